"""How the server ends, drains and reopens its logs."""

import os
import signal
import subprocess
import threading
import time

import pytest

from harness.client import head
from harness.ports import accepts, wait_until
from harness.process import nginx_binary, postern_binary
from harness.site import Site
from harness.websocket import WebSocket
from http2.session import session


@pytest.fixture
def held(recorder):
    """A path whose reply waits: (started, go)."""
    started, go = threading.Event(), threading.Event()
    recorder.on("/hold", lambda exchange: (started.set(), go.wait(20), exchange.reply(body=b"done")))
    yield started, go
    go.set()


def test_quit_finishes_what_runs(peer, start, recorder, held):
    started, go = held
    server = start(peer, Site(upstream=recorder.address))
    with server.connect() as idle, server.connect() as connection:
        assert idle.request().status == 200
        connection.send(head("GET", "/hold"))
        assert started.wait(5)
        server.signal(signal.SIGQUIT)
        wait_until(lambda: not accepts(server.ports["tls"]), "the listener to close")
        assert server.process.poll() is None
        assert idle.is_closed()
        go.set()
        answer = connection.response()
        assert (answer.status, answer.body) == (200, b"done")
        assert connection.is_closed()
    assert server.wait_exit() == 0
    assert not (server.directory / "server.pid").exists()


def test_quit_is_bounded(peer, start, recorder, held):
    started, _ = held
    server = start(peer, Site(upstream=recorder.address, main="worker_shutdown_timeout 1s;"))
    with server.connect() as connection:
        connection.send(head("GET", "/hold"))
        assert started.wait(5)
        began = time.monotonic()
        server.signal(signal.SIGQUIT)
        assert server.wait_exit() == 0
        assert 0.5 < time.monotonic() - began < 5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_term_ends_at_once(peer, start, recorder, held, number):
    started, _ = held
    server = start(peer, Site(upstream=recorder.address))
    with server.connect() as connection:
        connection.send(head("GET", "/hold"))
        assert started.wait(5)
        began = time.monotonic()
        server.signal(number)
        assert server.wait_exit() == 0
        assert time.monotonic() - began < 2
        with pytest.raises(OSError):
            connection.response()


@pytest.mark.peers("postern-native", "postern-nginx")
def test_term_says_goodbye_over_http2(peer, start, recorder, held):
    started, _ = held
    server = start(peer, Site(upstream=recorder.address, http2=True))
    with session(server) as client, session(server) as idle:
        assert client.ask().status == 200
        assert idle.ask().status == 200
        running = client.start(path="/hold")
        assert started.wait(5)
        server.signal(signal.SIGTERM)
        # No error, and the last stream that was taken: what came behind it may be tried elsewhere.
        assert client.wait_end() == 0
        assert client.last_stream == running.id
        assert idle.wait_end() == 0
        assert idle.last_stream == 1
    assert server.wait_exit() == 0


@pytest.mark.peers("postern-native", "postern-nginx")
@pytest.mark.parametrize("port", ["tls", "plain"])
def test_term_closes_websockets_as_going_away(peer, start, recorder, port):
    recorder.on("/ws", lambda exchange: exchange.echo_websocket())
    server = start(peer, Site(upstream=recorder.address))
    scheme, context = ("wss", server.context) if port == "tls" else ("ws", None)
    url = f"{scheme}://localhost:{server.ports[port]}/ws"
    with WebSocket(url, context) as socket:
        for size in (0, 5, 300, 70_000):
            assert socket.echo("x" * size) == "x" * size
        server.signal(signal.SIGTERM)
        assert server.wait_exit() == 0
        wait_until(lambda: socket.close_code is not None, "the close")
        assert socket.close_code == 1001


@pytest.mark.peers("postern-native", "postern-nginx")
def test_term_says_nothing_within_a_frame(peer, start, recorder):
    sent = threading.Event()

    def half(exchange):
        exchange.accept_websocket(b"\x82\x05ab")
        sent.set()
        exchange.wait_peer_gone(10)

    recorder.on("/ws", half)
    server = start(peer, Site(upstream=recorder.address))
    with server.connect("plain") as connection:
        fields = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13")]
        connection.send(head("GET", "/ws", [*fields, ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]))
        assert connection.response_head().status == 101
        assert sent.wait(5)
        received = connection.take()
        while len(received) < 4:
            received += connection.take()
        server.signal(signal.SIGTERM)
        assert server.wait_exit() == 0
        assert received == b"\x82\x05ab"
        assert connection.take() == b""


def test_usr1_reopens_the_logs(peer, start, recorder):
    server = start(peer, Site(upstream=recorder.address))
    server.get("/before")
    server.access_lines(1)
    moved = server.directory / "access.log.1"
    os.rename(server.directory / "access.log", moved)
    server.get("/between")
    wait_until(lambda: "/between" in moved.read_text(), "a line in the moved file")
    server.signal(signal.SIGUSR1)
    wait_until(lambda: (server.directory / "access.log").exists(), "a new file")

    def logged():
        server.get("/after")
        return "/after" in server.access_log

    wait_until(logged, "a line in the new file")
    assert "/between" not in server.access_log


def test_the_pid_file_holds_the_process_that_serves(peer, start, recorder):
    server = start(peer, Site(upstream=recorder.address))
    assert int((server.directory / "server.pid").read_text()) == server.pid


def control(server, *arguments):
    """The bare command with Nginx's own flags."""
    binary = nginx_binary() if server.program == "nginx" else postern_binary()
    return subprocess.run(
        [binary, "-c", server.config, "-p", server.directory, *arguments], capture_output=True, text=True, timeout=20
    )


@pytest.mark.parametrize("word", ["stop", "quit"])
def test_dash_s_ends_it(peer, start, recorder, word):
    server = start(peer, Site(upstream=recorder.address))
    assert control(server, "-s", word).returncode == 0
    assert server.wait_exit() == 0


def test_dash_s_reload_and_reopen(peer, start, recorder):
    server = start(peer, Site(upstream=recorder.address))
    server.rewrite(Site(upstream=recorder.address, server="return 418;"))
    assert control(server, "-s", "reload").returncode == 0
    wait_until(lambda: server.get().status == 418, "the new configuration")
    os.rename(server.directory / "access.log", server.directory / "access.log.1")
    assert control(server, "-s", "reopen").returncode == 0
    wait_until(lambda: (server.directory / "access.log").exists(), "a new file")


def test_dash_s_without_a_server(peer, start, recorder):
    server = start(peer, Site(upstream=recorder.address))
    server.signal(signal.SIGTERM)
    server.wait_exit()
    answer = control(server, "-s", "stop")
    assert answer.returncode == 1
    assert "server.pid" in answer.stdout + answer.stderr


@pytest.mark.peers("postern-nginx")
def test_the_bare_command_serves_with_nginx_flags(start, peer, recorder, tmp_path):
    """A service file that starts `nginx -c … -p … -g 'daemon off;'` starts Postern as well."""
    server = start(peer, Site(upstream=recorder.address))
    server.signal(signal.SIGTERM)
    server.wait_exit()
    process = subprocess.Popen(
        [
            postern_binary(),
            "-c",
            server.config,
            "-p",
            server.directory,
            "-g",
            "daemon off;",
            "-e",
            tmp_path / "error.log",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: accepts(server.ports["tls"]), "the listener")
        assert server.get().status == 200
    finally:
        process.terminate()
        assert process.wait(5) == 0
