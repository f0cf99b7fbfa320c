"""Starts a server on free ports in a directory of its own, watches it, and ends it by its process id."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from . import sanitizer
from .client import Connection
from .ports import accepts, free_ports, wait_until

REPOSITORY = Path(__file__).resolve().parents[3]

#: The peers a test can take: the program, and the dialect of the file it gets.
PEERS = {"nginx": ("nginx", "nginx"), "postern-nginx": ("postern", "nginx"), "postern-native": ("postern", "native")}


def postern_binary():
    """The binary under test."""
    return Path(os.environ.get("POSTERN_BINARY", REPOSITORY / ".build/release/postern")).resolve()


def nginx_binary():
    return shutil.which("nginx") or "/usr/sbin/nginx"


def settle(log):
    """Waits until what an answer has left in the log's queue is written: a thread of its own does that."""
    deadline, size = time.monotonic() + 1, -1
    while log.exists() and size != (size := log.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.004)


class StartFailure(AssertionError):
    """The server ended, or did not listen in time; the message holds its log."""


class Server:
    """One running server. `ports` maps "tls", "plain" and the site's own names to port numbers."""

    START_TIMEOUT = 15

    def __init__(self, peer, directory, site, certificate, key, context, wrap=()):
        self.program, self.dialect = PEERS[peer]
        self.peer = peer
        self.directory = directory
        self.site = site
        self.context = context
        self._certificate, self._key = certificate, key
        self._wrap = list(wrap)
        self.config = directory / "server.conf"
        self.process = None
        self._is_sanitized = self.program == "postern" and sanitizer.kind(postern_binary()) is not None
        if site.auth:
            self.htpasswd.write_text(site.users or "")
        self._start()

    # What it serves.

    @property
    def pid(self):
        return self.process.pid

    @property
    def certificate(self):
        """The files of its certificate and key."""
        return self._certificate, self._key

    @property
    def htpasswd(self):
        return self.directory / "htpasswd"

    def connect(self, port="tls", **options):
        """A client connection to one of its ports; TLS on every port but "plain"."""
        options.setdefault("context", None if port == "plain" else self.context)
        return Connection(self.ports[port], **options)

    def get(self, target="/", fields=(), port="tls", **options):
        """One request on a connection of its own."""
        with self.connect(port) as connection:
            return connection.request(options.pop("method", "GET"), target, fields, **options)

    # What it says.

    @property
    def output(self):
        return self._read("output.log")

    @property
    def error_log(self):
        """All it has reported, to its log or to standard error."""
        settle(self.directory / "error.log")
        return self._read("error.log") + self.output

    @property
    def access_log(self):
        return self._read("access.log")

    def access_lines(self, count, timeout=5.0):
        """The access log's lines, once there are at least `count`."""
        wait_until(lambda: self.access_log.count("\n") >= count, f"{count} lines in the access log", timeout)
        return self.access_log.split("\n")[:-1]

    def wait_logged(self, text, timeout=10.0):
        wait_until(lambda: text.lower() in self.error_log.lower(), f"{text!r} in the error log", timeout)

    # What it is told.

    def signal(self, number):
        os.kill(self.pid, number)

    def reload(self, timeout=10.0):
        """SIGHUP; comes back when whatever connects from now on is served by the new configuration, and by it alone.

        Nginx answers from its old workers until they have closed their listeners, some time after the new ones answer.
        """
        if self.program == "nginx":
            old = set(self.family()) - {self.pid}
            self.signal(signal.SIGHUP)
            wait_until(lambda: self._replaced(old), "new workers, and none of the old listening", timeout)
        else:
            said = "the configuration was reloaded"
            before = self.error_log.count(said)
            self.signal(signal.SIGHUP)
            wait_until(lambda: self.error_log.count(said) > before, "the reload in the log", timeout)

    def _replaced(self, old):
        now = set(self.family()) - {self.pid}
        listening = _listening_sockets()
        return now - old and not any(_sockets(worker) & listening for worker in now & old)

    def rewrite(self, site):
        """Writes another site's configuration over the file; the ports stay. Nothing is signalled."""
        self.site = site
        self.config.write_text(self._text(site))

    def wait_exit(self, timeout=10.0):
        """Its exit status."""
        return self.process.wait(timeout)

    def start_again(self):
        """Starts what has ended: the same file and ports, and logs that go on."""
        assert self.process.poll() is not None, "it still runs"
        # What is left of it, whose group would otherwise outlive the test.
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        (self.directory / "server.pid").unlink(missing_ok=True)
        self._launch()
        failure = self._await_listening()
        if failure:
            raise StartFailure(f"{failure}\n--- log\n{self.error_log}")

    def stop(self):
        """Ends it, kindly first; whatever is left of its process group after that is killed."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            try:
                # Looking for leaks at the end takes a while.
                self.process.wait(30 if self._is_sanitized else 5)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(5)

    # What it costs.

    def family(self):
        """Its process id and its children's."""
        found = [self.pid]
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            try:
                found += [int(child) for child in (task / "children").read_text().split()]
            except FileNotFoundError:  # The thread has ended since the listing.
                pass
        return found

    def peak_memory(self):
        """The most resident memory any of its processes has had, in bytes; 0 as in `resident`."""
        if self._is_sanitized:
            return 0
        return max(_status(process, "VmHWM") for process in self.family()) * 1024

    def resident(self):
        """Resident memory in bytes. Under a sanitizer 0, always: that of its shadow and quarantine tells nothing."""
        if self._is_sanitized:
            return 0
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def open_files(self):
        return max(len(_descriptors(process)) for process in self.family())

    # Starting.

    def _start(self):
        failure = None
        for _ in range(5):  # Another process can take a port between our look and its bind.
            names = ["tls", "plain", *self.site.listeners]
            self.ports = dict(zip(names, free_ports(len(names))))
            self.config.write_text(self._text(self.site))
            for name in ("output.log", "error.log", "access.log"):
                (self.directory / name).unlink(missing_ok=True)
            self._launch()
            failure = self._await_listening()
            if failure is None:
                return
            self.stop()
            if "address already in use" not in self.error_log.lower():
                break
        raise StartFailure(f"{failure}\n--- log\n{self.error_log}\n--- configuration\n{self.config.read_text()}")

    def _launch(self):
        with open(self.directory / "output.log", "ab") as output:
            self.process = subprocess.Popen(
                self._wrap + self._command(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.directory,
                start_new_session=True,
            )

    def _await_listening(self):
        deadline = time.monotonic() + self.START_TIMEOUT
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                return f"{self.peer} ended with status {self.process.returncode}"
            if (self.directory / "server.pid").exists() and accepts(self.ports[self.site.ready]):
                return None
            time.sleep(0.01)
        return f"{self.peer} did not listen within {self.START_TIMEOUT} s"

    def _command(self):
        if self.program == "nginx":
            return [
                nginx_binary(),
                "-c",
                str(self.config),
                "-p",
                str(self.directory),
                "-g",
                "daemon off;",
                "-e",
                str(self.directory / "error.log"),
            ]
        return [str(postern_binary()), "run", "-c", str(self.config)]

    def _text(self, site):
        return site.render(self.dialect, self.ports, self.directory, self._certificate, self._key)

    def _read(self, name):
        try:
            return (self.directory / name).read_text(errors="replace")
        except FileNotFoundError:
            return ""


def _status(process, field):
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):  # A worker of before a reload, ended since it was listed.
        return 0
    for line in lines:
        if line.startswith(field + ":"):
            return int(line.split()[1])
    return 0


def _descriptors(process):
    """What a process's descriptors stand for; nothing when it has ended."""
    found = []
    try:
        for entry in os.scandir(f"/proc/{process}/fd"):
            try:
                found.append(os.readlink(entry.path))
            except FileNotFoundError:
                pass
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def _sockets(process):
    """The inodes of a process's sockets."""
    return {name[8:-1] for name in _descriptors(process) if name.startswith("socket:[")}


def _listening_sockets():
    """The inodes of all TCP sockets that listen."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except FileNotFoundError:
            continue
        found |= {columns[9] for columns in map(str.split, lines) if columns[3] == "0A"}
    return found
