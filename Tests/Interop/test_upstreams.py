"""Pools, retries, failing and moving gateways."""

import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import termios
import threading
from pathlib import Path

import pytest

from harness.client import head
from harness.ports import free_ports, wait_until
from harness.recorder import Recorder
from harness.site import Site


def test_nothing_listening_is_a_502(peer, start):
    server = start(peer, Site(upstream=f"127.0.0.1:{free_ports(1)[0]}"))
    with server.connect() as connection:
        assert connection.request().status == 502
        assert connection.request().status == 502


def test_a_silent_gateway_is_a_504(peer, start, recorder):
    gone = threading.Event()
    recorder.on("/silent", lambda exchange: (exchange.wait_peer_gone(10) and gone.set(), exchange.close()))
    server = start(peer, Site(upstream=recorder.address, location="proxy_read_timeout 300ms;"))
    assert server.get("/silent").status == 504
    assert gone.wait(5)
    assert server.get("/").status == 200


def test_a_gateway_started_later_is_found(peer, start):
    port = free_ports(1)[0]
    server = start(peer, Site(upstream=f"127.0.0.1:{port} max_fails=0"))
    assert server.get().status == 502
    late = Recorder(port=port)
    try:
        wait_until(lambda: server.get().status == 200, "the gateway to be found")
    finally:
        late.close()


@pytest.mark.peers("postern-nginx", "postern-native")  # Nginx answers 502 when the end and the POST cross
def test_a_pooled_connection_that_died_is_replaced(peer, start, recorder):
    """The gateway closes idle connections; no client may notice."""
    recorder.on("/last", lambda exchange: (exchange.reply(), exchange.close()))
    server = start(peer, Site(upstream=recorder.address))
    with server.connect() as connection:
        for _ in range(20):
            assert connection.request("GET", "/last").status == 200
            assert connection.request("POST", "/after", body=b"x").status == 200
    assert len(recorder.for_path("/after")) == 20


def test_a_get_is_tried_at_the_next_server(peer, start, recorder):
    dead = free_ports(1)[0]
    server = start(peer, Site(upstream=f"127.0.0.1:{dead}", upstream_lines=f"server {recorder.address}; keepalive 4;"))
    assert [server.get().status for _ in range(6)] == [200] * 6


@pytest.mark.peers("postern-nginx")
def test_a_dead_gateway_does_not_fill_the_error_log(peer, start):
    server = start(peer, Site(upstream=f"127.0.0.1:{free_ports(1)[0]}", log_level="error"))
    with server.connect("plain") as connection:
        assert {connection.request().status for _ in range(300)} == {502}
    server.stop()
    assert len(server.access_log.splitlines()) >= 300
    assert 1 <= server.error_log.count("connection refused") <= 60
    assert "times more within 10 s" in server.error_log


def test_a_post_that_was_read_is_not_sent_twice(peer, start, recorder):
    recorder.on("/once", lambda exchange: exchange.reset())
    other = Recorder()
    try:
        server = start(peer, Site(upstream=recorder.address, upstream_lines=f"server {other.address} backup;"))
        assert server.get("/once", method="POST", body=b"pay").status == 502
        assert other.requests == []
    finally:
        other.close()


def states(pid):
    """What the threads of a process are doing (proc(5)): S for waiting, T for stopped by a signal."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return {(thread / "stat").read_text().rsplit(")", 1)[1].split()[0] for thread in threads}


def unacknowledged(connection):
    """Bytes that were given to a socket and aren't in the other side's kernel yet (tcp(7)).

    A peer that stands still acknowledges an earlier reply late (40 ms), and until then a small write waits (Nagle).
    """
    return struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, b"\0" * 4))[0]


@pytest.mark.peers("postern-nginx", "postern-native")  # Nginx takes them for the reply
def test_bytes_older_than_a_request_are_not_its_reply(peer, start):
    """What a gateway sends on an idle connection is never told to the client that gets the connection next."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"
    listener = socket.create_server(("127.0.0.1", 0))
    connections, threads = [], []

    def serve(connection):
        try:
            while connection.recv(65536):
                connection.sendall(answer + b"second")
        except OSError:
            pass

    def accept():
        while True:
            try:
                connection = listener.accept()[0]
            except OSError:
                return
            connections.append(connection)
            threads.append(threading.Thread(target=serve, args=[connection], daemon=True))
            threads[-1].start()

    threads.append(threading.Thread(target=accept, daemon=True))
    threads[0].start()
    try:
        server = start(peer, Site(upstream=f"127.0.0.1:{listener.getsockname()[1]}"))
        for _ in range(5):
            with server.connect("plain") as connection:
                assert connection.request().text == "second"
                # Both wait for the loop when it wakes: first the request, then what nobody asked for.
                wait_until(lambda: states(server.pid) == {"S"}, "the loop to wait")
                server.signal(signal.SIGSTOP)
                wait_until(lambda: states(server.pid) == {"T"}, "the loop to stand still")
                connection.send(head("GET", "/"))
                wait_until(lambda: not unacknowledged(connection.socket), "the request to be there")
                connections[-1].sendall(answer + b"poison")
                wait_until(lambda: not unacknowledged(connections[-1]), "the poison to be there")
                server.signal(signal.SIGCONT)
                assert connection.response().text == "second"
    finally:
        # The threads end before the numbers of their sockets are free.
        for each in [listener, *connections]:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in threads:
            thread.join(10)
        for each in [listener, *connections]:
            each.close()


def test_weights(peer, start, recorder):
    other = Recorder()
    try:
        site = Site(upstream=f"{recorder.address} weight=3", upstream_lines=f"server {other.address};")
        server = start(peer, site)
        for _ in range(40):
            assert server.get().status == 200
        assert (len(recorder.requests), len(other.requests)) == (30, 10)
    finally:
        other.close()


def test_a_backup_serves_when_the_first_is_gone(peer, start, recorder):
    other = Recorder()
    try:
        site = Site(
            upstream=f"{recorder.address} max_fails=1 fail_timeout=30s",
            upstream_lines=f"server {other.address} backup;",
        )
        server = start(peer, site)
        assert server.get().status == 200
        assert other.requests == []
        recorder.close()
        assert [server.get().status for _ in range(5)] == [200] * 5
        assert len(other.requests) == 5
    finally:
        other.close()


def test_a_unix_socket(peer, start, tmp_path):
    path = tmp_path / "gateway.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(8)

    def serve():
        peer_socket, _ = listener.accept()
        with peer_socket:
            while b"\r\n\r\n" not in peer_socket.recv(65536):
                pass
            peer_socket.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nunix")

    threading.Thread(target=serve, daemon=True).start()
    try:
        server = start(peer, Site(upstream=f"unix:{path}"))
        assert server.get().body == b"unix"
    finally:
        listener.close()


@pytest.mark.peers("postern-nginx", "postern-native")
def test_a_name_that_does_not_resolve_yet(peer, start):
    server = start(peer, Site(upstream="gateway.invalid:18789"))
    assert server.get().status == 502
    server.wait_logged("gateway.invalid")


@pytest.fixture
def private_hosts(tmp_path):
    """A hosts file of its own for one server, in a mount namespace: (file, command prefix)."""
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost\n")
    rights = ["--mount"] if os.geteuid() == 0 else ["--mount", "--map-root-user"]
    wrap = ["unshare", *rights, "sh", "-c", f'mount --bind "{hosts}" /etc/hosts && exec "$@"', "sh"]
    if not shutil.which("unshare") or subprocess.run([*wrap, "true"], capture_output=True).returncode != 0:
        pytest.skip("mount namespaces are not allowed here")
    return hosts, wrap


@pytest.mark.peers("postern-nginx", "postern-native")
def test_a_gateway_that_comes_back_at_another_address_is_found(peer, start, private_hosts):
    """What a restarted container does: same name, new address, the old one gone."""
    hosts, wrap = private_hosts
    first = Recorder("127.0.0.2")
    hosts.write_text("127.0.0.1 localhost\n127.0.0.2 gateway.internal\n")
    server = start(peer, Site(upstream=f"gateway.internal:{first.port}"), wrap=wrap)
    assert server.get().status == 200
    assert len(first.requests) == 1
    first.close()
    second = Recorder("127.0.0.3", first.port)
    try:
        hosts.write_text("127.0.0.1 localhost\n127.0.0.3 gateway.internal\n")
        wait_until(lambda: server.get().status == 200, "the gateway at its new address", timeout=15)
        assert second.requests
    finally:
        second.close()


def test_many_slow_requests_at_once(peer, start, recorder):
    go = threading.Event()
    recorder.on("/slow", lambda exchange: (go.wait(20), exchange.reply()))
    server = start(peer, Site(upstream=recorder.address))
    connections = [server.connect("plain") for _ in range(100)]
    try:
        for connection in connections:
            connection.send(head("GET", "/slow"))
        wait_until(lambda: len(recorder.for_path("/slow")) == 100, "all hundred at the gateway")
        go.set()
        assert [connection.response().status for connection in connections] == [200] * 100
    finally:
        go.set()
        for connection in connections:
            connection.close()
