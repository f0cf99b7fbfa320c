"""What deploy/Dockerfile's image would do: a minimal Debian root with the packages it names, without privileges.

A container engine is not needed: debootstrap makes the root, namespaces and setpriv confine what runs in it. The
configuration is deploy/proxy.conf itself.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from harness.client import Connection, basic, trusting
from harness.ports import accepts, wait_until
from harness.process import REPOSITORY, postern_binary
from harness.websocket import WebSocket
from image.container import Container, Pod
from image.dockerfile import Dockerfile
from image.root import DEPENDENCIES, make, release

pytestmark = pytest.mark.measures("the binary's size and libraries")

LOGIN = basic("alice", "password")

#: CAP_NET_BIND_SERVICE, as a bit of /proc/PID/status.
NET_BIND_SERVICE = 1 << 10

LARGEST_BINARY = 20_000_000
#: Debian's own slim image of bookworm takes 75 to 85 MB, from which documentation and translations are left out.
LARGEST_ROOT = 300 << 20


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "root"
    path.mkdir()
    # In memory where that may be mounted: dpkg writes a quarter of a gigabyte, each file with a wait for the disk.
    mount = ["mount", "-t", "tmpfs", "-o", "size=512m,mode=755", "tmpfs", path]
    in_memory = subprocess.run(mount, capture_output=True).returncode == 0
    try:
        yield make(path, postern_binary())
    finally:
        if in_memory:
            subprocess.run(["umount", "--lazy", path], check=True, capture_output=True)
        # pytest would keep it for three runs.
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def pod(root):
    pod = Pod(root.path)
    try:
        if pod.obstacle:
            pytest.skip(pod.obstacle)
        yield pod
    finally:
        pod.close()


@pytest.fixture
def etc(tmp_path, root, certificate, users):
    """What is mounted at /etc/postern: deploy/proxy.conf with the gateway on loopback, certificates, users."""
    folder = tmp_path / "etc"
    (folder / "tls").mkdir(parents=True)
    text = (REPOSITORY / "deploy/proxy.conf").read_text()
    assert "server openclaw-gateway:18789;" in text
    (folder / "proxy.conf").write_text(text.replace("server openclaw-gateway:18789;", "server 127.0.0.1:18789;"))
    (folder / "htpasswd").write_text(users)
    shutil.copy(certificate[0], folder / "tls/cert.pem")
    shutil.copy(certificate[1], folder / "tls/key.pem")
    user, group = root.dockerfile.user
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, user, group)
    return folder


@pytest.fixture
def start(tmp_path, root, pod, etc):
    """Starts a command in a container of its own; all are ended after the test."""
    containers = []

    def start_one(command, **options):
        folder = tmp_path / f"container-{len(containers)}"
        folder.mkdir()
        container = Container(root, pod, etc, folder, list(command), **options)
        containers.append(container)
        return container

    yield start_one
    for container in containers:
        container.stop()


@pytest.fixture
def gateway(start, root, pod):
    """The embedded stand-in, on the pod's loopback, in a container of its own."""
    command = [root.dockerfile.binary, "demo", "--port", "19443", "--directory", "/tmp/demo", "--gateway-port", "18789"]
    container = start(command)
    ready = "\npassword "
    wait_until(lambda: container.process.poll() is not None or ready in container.output, "the gateway", 30)
    assert ready in container.output, container.output
    return container


@pytest.fixture
def serve(start, root, pod, context):
    """Starts the image's own command and waits until it listens."""

    def serve_one(port=8443, **options):
        container = start(root.dockerfile.command, **options)
        wait_until(lambda: container.process.poll() is not None or accepts(port, pod.address), "Postern", 20)
        assert container.process.poll() is None, container.output
        return container

    return serve_one


def test_the_named_packages_are_what_the_binary_needs():
    """Found anew by ldd, so that the Dockerfile follows the binary."""
    named = Dockerfile().packages(release())
    if named is None:
        pytest.skip(f"deploy/Dockerfile names no packages for this system ({release() or 'no Debian'})")
    lines = subprocess.run(["ldd", postern_binary()], capture_output=True, text=True, check=True).stdout
    needed = set()
    for path in re.findall(r"=> (/\S+)|^\s*(/\S+)", lines, re.M):
        # Debian's packages know files below /usr by one of two names.
        real = os.path.realpath(path[0] or path[1])
        names = {real, real.removeprefix("/usr"), path[0] or path[1]}
        found = [subprocess.run(["dpkg", "-S", name], capture_output=True, text=True).stdout for name in names]
        owners = {line.split(":")[0] for text in found for line in text.splitlines()}
        assert owners, f"no package has {real}"
        needed |= owners
    assert set(named) == needed | {"ca-certificates"}


def test_the_root_has_the_named_packages_and_nothing_else(root, capsys):
    packages = root.packages()
    added = root.added()
    brought = {name for name, by in DEPENDENCIES.items() if by in root.named}
    binary = (root.path / root.dockerfile.binary.lstrip("/")).stat().st_size
    size = root.size()
    with capsys.disabled():
        print(f"\nthe image's root, {root.codename}: {len(packages)} packages, {size / 1e6:.0f} MB")
        print(f"the binary: {binary / 1e6:.1f} MB")
        print(f"beyond minbase: {' '.join(sorted(added))}")
        print(f"all: {' '.join(sorted(packages))}")
    assert set(root.named) <= set(packages)
    assert added - set(root.named) == brought
    assert binary < LARGEST_BINARY
    assert size < LARGEST_ROOT
    assert "not found" not in root.run("ldd", root.dockerfile.binary)


def test_serves_without_any_privilege_and_writes_nothing(root, pod, serve, gateway, start, context, capsys):
    with capsys.disabled():
        print(f"\nthe root was entered by {pod.kind}")
    before = root.state()
    server = serve()
    status = server.status()
    user, group = root.dockerfile.user
    assert status["Uid"].split() == [str(user)] * 4
    assert status["Gid"].split() == [str(group)] * 4
    assert status["Groups"].split() == []
    assert status["NoNewPrivs"] == "1"
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[kind], 16) == 0, kind
    if pod.is_isolated:
        assert status["NSpid"].split()[-1] == "1"
        mounts = server.mounts()
        assert "ro" in mounts["/"] and "ro" in mounts["/etc/postern"]
        writable = {point for point, options in mounts.items() if "rw" in options}
        assert writable == {"/tmp", "/run", "/var/lib/postern", "/proc"}

    with Connection(8443, context, host=pod.address) as connection:
        assert connection.request().status == 401
        page = connection.request(fields=[LOGIN])
        assert (page.status, "text/html" in page.value("Content-Type")) == (200, True)
        assert connection.request("GET", "/health").body == b"healthy\n"
        assert connection.request("GET", "/.postern/ready").status == 200
    with Connection(8080, host=pod.address) as connection:
        moved = connection.request("GET", "/a?b", host="openclaw.example.com")
        assert (moved.status, moved.value("Location")) == (301, "https://openclaw.example.com/a?b")
    with WebSocket(f"wss://{pod.address}:8443/", trusting(), dict([LOGIN])) as socket:
        assert json.loads(socket.recv())["event"] == "connect.challenge"

    # The gateway itself can't be reached from outside, though it is two processes away.
    if pod.is_isolated:
        assert not accepts(18789, pod.address)

    probe = start(root.dockerfile.health_check)
    assert probe.wait() == 0, probe.output
    assert "https://127.0.0.1:8443/health: answered 200" in probe.output

    if pod.is_isolated:
        # Root's rights wouldn't help: the mounts forbid it.
        script = "touch /x /etc/x /etc/postern/x /usr/bin/postern; touch /tmp/x /run/postern/x"
        writer = start(["/bin/sh", "-c", script])
        assert writer.wait() == 0, writer.output
        assert writer.output.count("Read-only file system") + writer.output.count("Permission denied") == 4

    server.signal(signal.SIGQUIT)
    assert server.wait() == 0, server.output
    gateway.stop()
    after = root.state()
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    if not pod.is_isolated:
        # Where the mounts would be.
        mounted = tuple(str(root.path / name) for name in ("run", "tmp", "var/lib/postern", "etc/postern"))
        changed = {path for path in changed if not path.startswith(mounted)}
    assert changed == set()


def test_the_health_check_fails_where_nothing_serves(root, pod, start):
    if not pod.is_isolated:
        pytest.skip("the ports are the machine's own, where something may serve")
    probe = start(root.dockerfile.health_check)
    assert probe.wait() == 1
    assert probe.output.count("\n") == 1
    assert "nothing listens there" in probe.output


def test_drains_on_the_stop_signal(root, pod, serve, gateway, context):
    assert root.dockerfile.value("STOPSIGNAL") == "SIGQUIT"
    server = serve()
    with Connection(8443, context, host=pod.address) as connection:
        connection.send(
            b"POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n"
            + f"{LOGIN[0]}: {LOGIN[1]}\r\n\r\n".encode()
            + b"one"
        )
        # Until the request is under way at the gateway it could be refused, rightly.
        wait_until(lambda: _has_upstream(server, 18789), "a connection to the gateway")
        server.signal(signal.SIGQUIT)
        wait_until(lambda: not accepts(8443, pod.address), "the listener to close")
        assert server.process.poll() is None
        connection.send(b"two")
        assert connection.response("POST").status == 200
    assert server.wait() == 0, server.output
    assert "draining" in server.output


def _has_upstream(container, port):
    """Whether the container's network has an established connection to that port."""
    with open(f"/proc/{container.pid}/net/tcp") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return any(row[2].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


class TestLowPorts:
    @pytest.fixture(autouse=True)
    def low(self, pod, etc):
        if not pod.is_isolated:
            pytest.skip("the ports are the machine's own")
        path = etc / "proxy.conf"
        path.write_text(path.read_text().replace("listen 8443 ", "listen 443 ").replace("listen 8080 ", "listen 80 "))

    def test_one_capability_is_enough(self, pod, serve, gateway, context):
        server = serve(443, capability="net_bind_service")
        status = server.status()
        for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(status[kind], 16) == NET_BIND_SERVICE, kind
        with Connection(443, context, host=pod.address) as connection:
            assert connection.request(fields=[LOGIN]).status == 200
        with Connection(80, host=pod.address) as connection:
            assert connection.request().status == 301
        server.signal(signal.SIGQUIT)
        assert server.wait() == 0, server.output

    def test_and_none_is_not(self, root, start):
        began = time.monotonic()
        server = start(root.dockerfile.command)
        assert server.wait() == 1
        assert "Permission denied" in server.output
        assert time.monotonic() - began < 10
