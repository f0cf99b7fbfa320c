"""The servers under comparison and the upstream they share: their configurations, their processes, what they cost."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
TICK = 1 / os.sysconf("SC_CLK_TCK")

#: The listeners of every server, and whether each speaks TLS.
LISTENERS = {
    "plain": False,
    "tls": True,
    "h2": True,
    "apr1": False,
    "apr1tls": True,
    "bcrypt": False,
    "bcrypttls": True,
    "logged": False,
}
USER, PASSWORD = "bench", "correct-horse-battery"

SERVER_CPU, LOAD_CPU = "0", "1"


def postern_binary():
    return Path(os.environ.get("POSTERN_BINARY", REPOSITORY / ".build/release/postern")).resolve()


def nginx_binary():
    return shutil.which("nginx") or "/usr/sbin/nginx"


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


class Process:
    """A server pinned to one processor; ended by its process id."""

    def __init__(self, name, command, directory, cpu, ports, wrap=()):
        self.name, self.ports = name, ports
        self.log = directory / f"{name}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["taskset", "-c", cpu, *wrap, *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=directory,
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

    def family(self):
        found = [self.pid]
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
        return found

    def processor_time(self):
        """Seconds of user and system time of it and its children so far."""
        total = 0
        for process in self.family():
            fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total * TICK

    def resident(self):
        """Resident bytes of it and its children."""
        page = os.sysconf("SC_PAGE_SIZE")
        return sum(int(Path(f"/proc/{process}/statm").read_text().split()[1]) for process in self.family()) * page

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
        self._make_files(key)
        self.upstream_port, self.echo_port = free_ports(2)

    def close(self):
        for process in reversed(self.processes):
            process.stop()

    def start_upstream(self):
        """An nginx that answers small and large, and an echo for WebSockets."""
        body = self.directory / "www"
        body.mkdir()
        with open(body / "10m", "wb") as file:
            file.truncate(10 << 20)
        config = self.directory / "upstream.conf"
        config.write_text(f"""
{user_line()}
worker_processes 1; master_process off; daemon off; pid {self.directory}/upstream.pid; error_log stderr error;
events {{ worker_connections 8192; }}
http {{
    {temporary_paths(self.directory, "upstream")}
    access_log off; keepalive_requests 100000000; keepalive_timeout 600s; sendfile on; tcp_nopush on;
    server {{
        listen 127.0.0.1:{self.upstream_port};
        root {body};
        location = /10m {{ }}
        location / {{ default_type text/plain; return 200 "a small answer\\n"; }}
    }}
}}
""")
        command = [nginx_binary(), "-c", config, "-p", self.directory, "-e", "stderr"]
        self._add(Process("upstream", command, self.directory, LOAD_CPU, {"upstream": self.upstream_port}))
        echo = ["python3", Path(__file__).parent / "load.py", "echo", str(self.echo_port)]
        self._add(Process("echo", echo, self.directory, LOAD_CPU, {"echo": self.echo_port}))

    def start(self, name, wrap=()):
        """Starts "nginx", "haproxy" or "postern"."""
        ports = dict(zip(LISTENERS, free_ports(len(LISTENERS))))
        config = self.directory / f"{name}-{len(self.processes)}.conf"
        if name == "haproxy":
            config.write_text(self._haproxy(ports))
            command = ["haproxy", "-db", "-f", config]
        elif name == "nginx":
            config.write_text(self._nginx(ports, name) + "daemon off; master_process off;\n")
            command = [nginx_binary(), "-c", config, "-p", self.directory, "-e", "stderr"]
        else:
            config.write_text(self._nginx(ports, name))
            command = [postern_binary(), "run", "-c", config]
        return self._add(Process(name, command, self.directory, SERVER_CPU, ports, wrap))

    def _add(self, process):
        self.processes.append(process)
        process.wait_listening(120 if "valgrind" in str(process.process.args) else 20)
        return process

    def _make_files(self, key):
        run = lambda *command: subprocess.run(list(map(str, command)), check=True, capture_output=True)  # noqa: E731
        kind = ["rsa:2048"] if key == "rsa" else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        run(
            "openssl",
            "req",
            "-x509",
            "-newkey",
            *kind,
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout",
            self.directory / "key.pem",
            "-out",
            self.directory / "cert.pem",
        )
        both = (self.directory / "cert.pem").read_text() + (self.directory / "key.pem").read_text()
        (self.directory / "both.pem").write_text(both)
        run("htpasswd", "-cbm", self.directory / "apr1", USER, PASSWORD)
        run("htpasswd", "-cbB", "-C", "5", self.directory / "bcrypt", USER, PASSWORD)

    def _nginx(self, ports, name):
        """The file that nginx and postern run; only nginx has to be told where to put what it stores."""
        paths = "" if name == "postern" else temporary_paths(self.directory, name)
        servers = []
        for label, tls in LISTENERS.items():
            listen = f"listen 127.0.0.1:{ports[label]}" + (" ssl http2;" if label == "h2" else " ssl;" if tls else ";")
            scheme = label.removesuffix("tls")
            auth = (
                f'auth_basic "bench"; auth_basic_user_file {self.directory}/{scheme};'
                if scheme in ("apr1", "bcrypt")
                else ""
            )
            log = f"access_log {self.directory}/{name}-access.log combined;" if label == "logged" else ""
            servers.append(f"""
    server {{
        {listen}
        server_name localhost;
        {log} {auth}
        location / {{ proxy_pass http://upstream; {FORWARD} proxy_set_header Connection ""; }}
        location /ws {{
            proxy_pass http://echo; {FORWARD}
            proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; proxy_read_timeout 1h;
        }}
    }}""")
        return f"""
{user_line()}
worker_processes 1; worker_rlimit_nofile 20000; pid {self.directory}/{name}-{ports["plain"]}.pid; error_log stderr error;
events {{ worker_connections 8192; }}
http {{
    {paths}
    access_log off;
    keepalive_requests 100000000; keepalive_timeout 600s;
    ssl_certificate {self.directory}/cert.pem; ssl_certificate_key {self.directory}/key.pem;
    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:SSL:10m; ssl_session_timeout 1h;
    upstream upstream {{ server 127.0.0.1:{self.upstream_port}; keepalive 64; keepalive_requests 100000000; }}
    upstream echo {{ server 127.0.0.1:{self.echo_port}; }}
{"".join(servers)}
}}
"""

    def _haproxy(self, ports):
        stored = (self.directory / "bcrypt").read_text().strip().split(":", 1)[1]
        fronts = []
        for label, tls in LISTENERS.items():
            scheme = label.removesuffix("tls")
            if scheme in ("apr1", "logged"):
                ports.pop(label)  # It has no apr1, and no log file of its own.
                continue
            alpn = "h2,http/1.1" if label == "h2" else "http/1.1"
            bind = f"bind 127.0.0.1:{ports[label]}" + (f" ssl crt {self.directory}/both.pem alpn {alpn}" if tls else "")
            auth = "http-request auth unless { http_auth(people) }" if scheme == "bcrypt" else ""
            fronts.append(f"""
frontend {label}
    {bind}
    {auth}
    http-request set-header X-Forwarded-Proto {"https" if tls else "http"}
    http-request set-header X-Real-IP %[src]
    use_backend echo if {{ path /ws }}
    default_backend upstream""")
        return f"""
global
    nbthread 1
    maxconn 8192
    ssl-default-bind-options ssl-min-ver TLSv1.2
    tune.ssl.cachesize 20000
defaults
    mode http
    option forwardfor
    option http-keep-alive
    http-reuse always
    timeout connect 10s
    timeout client 600s
    timeout server 600s
    timeout tunnel 600s
userlist people
    user {USER} password {stored}
{"".join(fronts)}
backend upstream
    server one 127.0.0.1:{self.upstream_port} pool-max-conn 64
backend echo
    server one 127.0.0.1:{self.echo_port}
"""


FORWARD = (
    "proxy_http_version 1.1; proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr; "
    "proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;"
)


def user_line():
    return "user root;" if os.geteuid() == 0 else ""


def temporary_paths(directory, name):
    return " ".join(
        f"{kind}_temp_path {directory}/{name}-{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
