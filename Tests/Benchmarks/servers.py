"""The servers under comparison and the upstream they share: their processes, and what they cost."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import configurations
from callers import Keys, log_in, wait_until_let_in
from configurations import CALLER_USERS, CALLERS, LISTENERS, PASSWORD, USER
from load import LOAD_CPU, load_tool, relay_tool

REPOSITORY = Path(__file__).resolve().parents[2]
TICK = 1 / os.sysconf("SC_CLK_TCK")
SERVER_CPU = "0"


def postern_binary():
    return Path(os.environ.get("POSTERN_BINARY", REPOSITORY / ".build/release/postern")).resolve()


def nginx_binary():
    return shutil.which("nginx") or "/usr/sbin/nginx"


#: How each server says which it is.
VERSIONS = {
    "nginx": [nginx_binary(), "-v"],
    "haproxy": ["haproxy", "-v"],
    "caddy": ["caddy", "version"],
    "postern": [postern_binary(), "--version"],
}


def present(name):
    return name == "relay" or shutil.which(str(VERSIONS[name][0])) is not None


def version(name):
    if name == "relay":
        return "of this folder"
    result = subprocess.run(list(map(str, VERSIONS[name])), capture_output=True, text=True)
    found = re.search(r"\d+\.\d+(\.\d+)?", result.stdout + result.stderr)
    return found[0] if found else "of an unknown version"


def free_ports(count):
    """Ports the kernel just had free."""
    held = [socket.socket() for _ in range(count)]
    try:
        for probe in held:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in held]
    finally:
        for probe in held:
            probe.close()


@dataclass(frozen=True)
class ProcessorTime:
    """Seconds. The total is exact (the scheduler's); user and system are sampled at each tick."""

    total: float
    user: float
    system: float

    def __sub__(self, other):
        return ProcessorTime(self.total - other.total, self.user - other.user, self.system - other.system)


def family(pid):
    """The process and its children."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def processor_time(pid):
    """Of a process and its children so far."""
    total = user = system = 0
    for process in family(pid):
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        user += int(fields[11])
        system += int(fields[12])
        for task in Path(f"/proc/{process}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return ProcessorTime(total / 1e9, user * TICK, system * TICK)


class Process:
    """A server pinned to one processor; ended by its process id."""

    def __init__(self, name, command, directory, cpu, ports, wrap=(), environment=None):
        self.name, self.ports = name, ports
        #: What a caller proves itself by, as fields of a request; by listener.
        self.proofs = {}
        self.log = directory / f"{name}-{next(iter(ports.values()))}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["taskset", "-c", cpu, *wrap, *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=directory,
                env=os.environ | (environment or {}),
                start_new_session=True,
            )
        self.pid = self.process.pid

    def wait_listening(self, timeout=20):
        deadline = time.monotonic() + timeout
        for port in self.ports.values():
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    if self.process.poll() is not None or time.monotonic() > deadline:
                        raise RuntimeError(f"{self.name} does not listen on {port}:\n{self.log.read_text()}") from None
                    time.sleep(0.05)

    def resident(self):
        """Resident bytes of it and its children."""
        page = os.sysconf("SC_PAGE_SIZE")
        return sum(int(Path(f"/proc/{process}/statm").read_text().split()[1]) for process in family(self.pid)) * page

    def stop(self, number=signal.SIGTERM, timeout=5):
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(5)


class Bench:
    """A directory with certificates, users and an upstream; starts servers in front of it."""

    def __init__(self, directory, key="rsa"):
        self.directory = directory
        self.processes = []
        self._keys = {}
        self._make_files(key)
        self.upstream_port = free_ports(1)[0]

    def __enter__(self):
        command = [load_tool(), "upstream", self.upstream_port]
        ports = {"upstream": self.upstream_port}
        self.upstream = self._add(Process("upstream", command, self.directory, LOAD_CPU, ports))
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.stop()

    def start(self, name, wrap=(), environment=None):
        """Starts "nginx", "haproxy", "caddy" or "postern" with all listeners, or "relay" with one."""
        if name == "relay":
            ports = {"plain": free_ports(1)[0]}
            command = [relay_tool(), ports["plain"], self.upstream_port]
            return self._add(Process(name, command, self.directory, SERVER_CPU, ports, wrap))
        ports = dict(zip(LISTENERS, free_ports(len(LISTENERS))))
        unique = f"{name}-{ports['plain']}"
        config = self.directory / f"{unique}.conf"
        environment = dict(environment or {})
        if name == "haproxy":
            config.write_text(configurations.haproxy(self.directory, ports, self.upstream_port))
            command = ["haproxy", "-db", "-f", config]
        elif name == "caddy":
            config.write_text(configurations.caddy(self.directory, ports, self.upstream_port))
            command = ["caddy", "run", "--adapter", "caddyfile", "--config", config]
            environment |= {"GOMAXPROCS": "1", "HOME": str(self.directory), "XDG_DATA_HOME": str(self.directory)}
        elif name == "nginx":
            text = configurations.nginx(self.directory, unique, ports, self.upstream_port)
            config.write_text(text + "daemon off; master_process off;\n")
            command = [nginx_binary(), "-c", config, "-p", self.directory, "-e", "stderr"]
        else:
            names = (*CALLERS, "device")
            ports |= zip(names, free_ports(len(names)))
            keys = self.keys(10_000)
            inner = configurations.callers(self.directory, ports, keys.path)
            inner += configurations.devices(self.directory, ports)
            text = configurations.nginx(self.directory, unique, ports, self.upstream_port, inner)
            config.write_text(f"state_dir {self.directory}/{unique}.state;\n{text}")
            command = [postern_binary(), "run", "-c", config]
        if not present(name):
            raise SystemExit(f"{command[0]} is not here: install or build it, or name a binary in POSTERN_BINARY.")
        process = self._add(Process(name, command, self.directory, SERVER_CPU, ports, wrap, environment))
        if name == "postern":
            wait_until_let_in(ports["key"], keys.field)
            both = (b"__host-postern=", b"__host-postern-device=")
            process.proofs = {"session": log_in(ports["session"]), "device": log_in(ports["device"], cookies=both)}
            process.proofs |= {"key": keys.field, "bearer": keys.bearer}
        return process

    def start_growing(self, wrap=(), **options):
        """Starts postern with one thing in a chosen number: see `configurations.growing`."""
        names = ("plain", "other", *CALLERS)
        ports = dict(zip(names, free_ports(len(names))))
        config = self.directory / f"postern-{ports['plain']}.conf"
        text = configurations.growing(self.directory, config.stem, ports, self.upstream_port, **options)
        config.write_text(text)
        command = [postern_binary(), "run", "-c", config]
        return self._add(Process("postern", command, self.directory, SERVER_CPU, ports, wrap))

    def users(self, count):
        """An htpasswd file of so many users, the one who logs in last. All but that one's hash are alike."""
        path = self.directory / f"users-{count}"
        own = (self.directory / "bcrypt").read_text()
        stored = own.strip().split(":", 1)[1]
        path.write_text("".join(f"user-{number:05}:{stored}\n" for number in range(count - 1)) + own)
        return path

    def keys(self, count):
        """A file of so many API keys, the one that is used in the middle."""
        if count not in self._keys:
            self._keys[count] = Keys(self.directory / f"keys-{count}.json", count)
        return self._keys[count]

    def _add(self, process):
        self.processes.append(process)
        process.wait_listening(120 if "valgrind" in str(process.process.args) else 20)
        return process

    def _make_files(self, key):
        run = lambda *command: subprocess.run(list(map(str, command)), check=True, capture_output=True)  # noqa: E731
        kind = ["rsa:2048"] if key == "rsa" else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        files = ["-keyout", self.directory / "key.pem", "-out", self.directory / "cert.pem"]
        run("openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-days", "2", *names, *files)
        both = (self.directory / "cert.pem").read_text() + (self.directory / "key.pem").read_text()
        (self.directory / "both.pem").write_text(both)
        run("htpasswd", "-cbm", self.directory / "apr1", USER, PASSWORD)
        run("htpasswd", "-cbB", "-C", "5", self.directory / "bcrypt", USER, PASSWORD)
        stored = (self.directory / "bcrypt").read_text().strip().split(":", 1)[1]
        (self.directory / "users").write_text("".join(f"{name}:{stored}\n" for name in CALLER_USERS))
