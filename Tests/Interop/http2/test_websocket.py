"""WebSocket over HTTP/2 (RFC 8441): opened by frames, and by a browser."""

import base64
import os
import re
import shutil
import signal
import struct
import subprocess
import threading
import time

import pytest

from harness.client import basic
from harness.ports import wait_until
from harness.site import Site

from .session import session

pytestmark = pytest.mark.peers("postern-nginx", "postern-native")

ENABLE_CONNECT_PROTOCOL = 8
#: What RFC 8441 leaves of an opening handshake: no key, no Upgrade.
HANDSHAKE = [("sec-websocket-version", "13")]


@pytest.fixture
def server(peer, start, recorder):
    recorder.on("/echo", lambda exchange: exchange.echo_websocket())
    recorder.on("/raw", lambda exchange: exchange.echo_bytes())
    return start(peer, site(recorder))


def site(recorder, **options):
    return Site(upstream=recorder.address, http2=True, **options)


def opened(client, path="/echo", fields=(), **pseudo):
    """A stream with the handshake's answer."""
    client.wait(lambda: client.h2.remote_settings.get(ENABLE_CONNECT_PROTOCOL) == 1)
    stream = client.start("CONNECT", path, HANDSHAKE + list(fields), ends=False, **({"protocol": "websocket"} | pseudo))
    return client.head(stream)


def frame(opcode, payload, mask=b"\x01\x02\x03\x04"):
    """A client's frame, and a server's with an empty mask."""
    length = len(payload)
    if length < 126:
        head = bytes([0x80 | opcode, (0x80 if mask else 0) | length])
    elif length < 65536:
        head = bytes([0x80 | opcode, (0x80 if mask else 0) | 126]) + struct.pack(">H", length)
    else:
        head = bytes([0x80 | opcode, (0x80 if mask else 0) | 127]) + struct.pack(">Q", length)
    if not mask:
        return head + payload
    pad = (mask * (length // 4 + 1))[:length]
    masked = (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(length, "big") if length else b""
    return head + mask + masked


def echo(client, stream, opcode, payload):
    """Sends one frame and waits for it to come back."""
    expected = frame(opcode, payload, b"")
    had = len(stream.body)
    client.send(stream, frame(opcode, payload))
    client.wait(lambda: len(stream.body) - had >= len(expected))
    assert bytes(stream.body[had:]) == expected


def test_messages_are_echoed(server, recorder):
    with session(server) as client:
        stream = opened(client, fields=[("origin", "https://localhost")])
        assert stream.status == 200
        names = {name for name, _ in stream.fields}
        assert not names & {"sec-websocket-accept", "upgrade", "connection", "transfer-encoding", "content-length"}
        for payload in (b"", b"hello", bytes(range(256)) * 10, b"x" * 70_000):
            echo(client, stream, 2, payload)
        # The stream is one among others.
        assert client.ask("GET", "/beside").status == 200
        echo(client, stream, 1, b"once more")
        client.send(stream, frame(8, struct.pack(">H", 1000)), ends=True)
        client.finish(stream)
    upgrade = recorder.last("/echo")
    assert upgrade.line == "GET /echo HTTP/1.1"
    assert upgrade.value("Upgrade").lower() == "websocket"
    assert upgrade.value("Connection").lower() == "upgrade"
    assert upgrade.value("Sec-WebSocket-Version") == "13"
    assert len(base64.b64decode(upgrade.value("Sec-WebSocket-Key"), validate=True)) == 16
    assert upgrade.value("Content-Length") is None and upgrade.value("Transfer-Encoding") is None
    assert upgrade.value("Origin") == "https://localhost"
    line = next(line for line in server.access_lines(2) if "/echo" in line)
    assert re.search(r'"(GET|CONNECT) /echo HTTP/2\.0" (200|101) ', line), line


def test_many_messages(server):
    """Back-pressure both ways: more than all windows and buffers together."""
    payload = os.urandom(1 << 20)
    with session(server) as client:
        stream = opened(client, "/raw")
        client.send(stream, payload * 20)
        client.wait(lambda: len(stream.body) == 20 << 20, 60)
        assert bytes(stream.body) == payload * 20


def test_keys_differ(server, recorder):
    with session(server) as client:
        for _ in range(5):
            opened(client)
    keys = {request.value("Sec-WebSocket-Key") for request in recorder.for_path("/echo")}
    assert len(keys) == 5


def test_a_key_of_the_client_is_not_used(server, recorder):
    """It has no meaning in HTTP/2: the key upstream is the proxy's own, once."""
    with session(server) as client:
        stream = opened(client, fields=[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")])
        assert stream.status == 200
    assert len(recorder.last("/echo").values("Sec-WebSocket-Key")) == 1
    assert recorder.last("/echo").value("Sec-WebSocket-Key") != "dGhlIHNhbXBsZSBub25jZQ=="


def test_a_protocol_and_extensions_are_agreed_on(server, recorder):
    def agree(exchange):
        fields = b"Sec-WebSocket-Protocol: chat\r\n"
        send = exchange.send
        exchange.send = lambda data: send(data.replace(b"\r\n\r\n", b"\r\n" + fields + b"\r\n", 1))
        exchange.accept_websocket()
        exchange.wait_peer_gone(10)

    recorder.on("/chat", agree)
    with session(server) as client:
        stream = opened(client, "/chat", [("sec-websocket-protocol", "chat, superchat")])
        assert (stream.status, stream.value("sec-websocket-protocol")) == (200, "chat")
    assert recorder.last("/chat").value("Sec-WebSocket-Protocol") == "chat, superchat"


def test_bytes_with_the_answer(server, recorder):
    """What the upstream says in the same write as its 101 is the tunnel's first bytes."""
    recorder.on("/greets", lambda exchange: (exchange.accept_websocket(frame(1, b"hi", b"")), exchange.wait_peer_gone(10)))
    with session(server) as client:
        stream = opened(client, "/greets")
        client.wait(lambda: bytes(stream.body) == frame(1, b"hi", b""))


def test_refused_by_the_upstream(server, recorder):
    recorder.on("/refused", lambda exchange: exchange.reply(403, b"not you\n", [("X-Why", "because")]))
    with session(server) as client:
        stream = opened(client, "/refused")
        client.finish(stream)
        assert (stream.status, stream.text, stream.value("x-why")) == (403, "not you\n", "because")
        assert client.ask("GET", "/after").status == 200


@pytest.mark.parametrize(
    "fields",
    [
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: c3VyZWx5IG5vdCB0aGlzIG9uZQ==\r\n",
        b"Upgrade: websocket\r\nConnection: Upgrade\r\n",
    ],
    ids=["another key's", "none"],
)
def test_a_wrong_accept_is_a_502(server, recorder, fields):
    recorder.on(
        "/wrong",
        lambda exchange: (exchange.send(b"HTTP/1.1 101 Switching Protocols\r\n" + fields + b"\r\n"), exchange.close()),
    )
    with session(server) as client:
        assert opened(client, "/wrong").status == 502
        assert client.ask("GET", "/after").status == 200


def test_a_200_is_no_handshake(server, recorder):
    """An upstream that doesn't know what it is asked: to the client, 200 would mean that the tunnel is open."""
    recorder.on("/plain", lambda exchange: exchange.reply(200, b"hello"))
    with session(server) as client:
        stream = opened(client, "/plain")
        assert stream.status == 502 or stream.status >= 400
        assert client.ask("GET", "/after").status == 200


def test_the_upstream_ends_it(server, recorder):
    recorder.on("/short", lambda exchange: exchange.accept_websocket(b"last words"))
    with session(server) as client:
        stream = opened(client, "/short")
        client.finish(stream)
        assert (stream.status, bytes(stream.body)) == (200, b"last words")
        assert client.ask("GET", "/after").status == 200


def test_the_upstream_resets_it(server, recorder):
    recorder.on("/broken", lambda exchange: (exchange.accept_websocket(b"some"), time.sleep(0.05), exchange.reset()))
    with session(server) as client:
        stream = opened(client, "/broken")
        client.finish(stream)
        assert client.ask("GET", "/after").status == 200


def test_messages_on_their_way_to_a_tunnel_that_breaks_are_no_flood(server, recorder):
    """A client sends all that the windows allow before it hears that its streams were reset; others of its go on."""
    go, done = threading.Event(), threading.Semaphore(0)

    def broken(exchange):
        exchange.accept_websocket()
        go.wait(10)
        exchange.reset()
        done.release()

    recorder.on("/broken", broken)
    with session(server) as client:
        tunnels = [opened(client, "/broken") for _ in range(4)]
        go.set()
        assert all(done.acquire(timeout=5) for _ in tunnels)
        # Nothing is read meanwhile: the client doesn't know yet. Another's answer shows that the server has turned.
        assert server.get("/other").status == 200
        for tunnel in tunnels:
            client.send(tunnel, b"x" * 60_000)
        assert client.ask("GET", "/after").status == 200


@pytest.mark.parametrize("how", ["ends", "resets", "goes"])
def test_the_client_ends_it(server, recorder, how):
    gone = []

    def hold(exchange):
        exchange.accept_websocket()
        gone.append(exchange.wait_peer_gone(10))

    recorder.on("/held", hold)
    with session(server) as client:
        stream = opened(client, "/held")
        if how == "ends":
            client.send(stream, b"", ends=True)
        elif how == "resets":
            client.reset(stream)
        else:
            client.close()
        if how != "goes":
            client.wait(lambda: gone, 5)
            assert client.ask("GET", "/after").status == 200
    wait_until(lambda: gone, "the upstream connection to be freed", 5)
    assert gone == [True]


def test_logins_hold(peer, start, recorder, users):
    recorder.on("/echo", lambda exchange: exchange.echo_websocket())
    server = start(peer, site(recorder, auth=True, users=users))
    with session(server) as client:
        assert opened(client).status == 401
        stream = opened(client, fields=[("authorization", basic("alice", "password")[1])])
        assert stream.status == 200
        echo(client, stream, 1, b"in")
    assert len(recorder.requests) == 1


@pytest.mark.peers("postern-native")
def test_a_strangers_page_opens_none(server, recorder):
    with session(server) as client:
        assert opened(client, fields=[("origin", "https://elsewhere.example")]).status == 403
    assert recorder.requests == []


def test_its_end_is_the_clients_half(server, recorder):
    """A browser ends its side along with the last message: what the upstream says to that still arrives."""
    with session(server) as client:
        stream = opened(client)
        client.send(stream, frame(8, struct.pack(">H", 1000)), ends=True)
        client.finish(stream)
        assert bytes(stream.body) == frame(8, struct.pack(">H", 1000), b"")
        assert stream.ended


def test_another_protocol_is_not_known(server, recorder):
    with session(server) as client:
        assert opened(client, protocol="connect-udp").status == 501
        assert client.ask("GET", "/after").status == 200
    assert [request.target for request in recorder.requests] == ["/after"]


def test_over_prior_knowledge(peer, start, recorder):
    recorder.on("/echo", lambda exchange: exchange.echo_websocket())
    server = start(peer, site(recorder, listeners=["h2c"], server="listen {h2c} http2;"))
    with session(server, "h2c") as client:
        echo(client, opened(client), 1, b"plain")


def test_a_handshake_of_http1_within_http2(server, recorder):
    """GET with Upgrade has no meaning there: its fields make it malformed."""
    with session(server, lenient=True) as client:
        stream = client.ask("GET", "/echo", [("upgrade", "websocket"), ("connection", "upgrade"), *HANDSHAKE])
        assert stream.status == 400 or stream.reset == 1
    assert recorder.requests == []


def test_a_drain_tells_and_waits(peer, start, recorder):
    """SIGQUIT: the tunnel goes on until its ends have done with it, within the time that the drain has."""
    recorder.on("/echo", lambda exchange: exchange.echo_websocket())
    server = start(peer, site(recorder))
    with session(server) as client:
        stream = opened(client)
        server.signal(signal.SIGQUIT)
        client.wait(lambda: client.goaway is not None)
        if not stream.done:
            echo(client, stream, 1, b"still here")
            client.send(stream, frame(8, struct.pack(">H", 1000)), ends=True)
            client.finish(stream)
    assert server.wait_exit(15) == 0


# A browser.

PAGE = b"""<!doctype html><title>t</title><script>
const tell = (words) => fetch("/result?" + encodeURIComponent(words));
const socket = new WebSocket("wss://" + location.host + "/echo", []);
socket.binaryType = "arraybuffer";
let step = 0;
socket.onopen = () => socket.send("hello");
socket.onerror = () => tell("error at " + step);
socket.onmessage = ({data}) => {
  if (step++ === 0) { socket.send(new Uint8Array(100000).fill(7)); return }
  tell((data.byteLength || data) + " " + new Uint8Array(data)[99999]);
  socket.close(1000);
};
socket.onclose = ({code, wasClean}) => tell("closed " + code + " " + wasClean);
</script>"""


def test_in_chromium(peer, start, recorder, tmp_path, users):
    """A page's WebSocket comes over the page's own HTTP/2 connection."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not browser:
        pytest.skip("no Chromium here")
    recorder.on("/page", lambda exchange: exchange.reply(200, PAGE, [("Content-Type", "text/html")]))
    recorder.on("/echo", lambda exchange: exchange.echo_websocket())
    server = start(
        peer,
        site(
            recorder,
            top="log_format connections '$connection $server_protocol $status $request_uri';",
            server="access_log {directory}/connections.log connections;",
        ),
    )
    browsing = subprocess.Popen(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--ignore-certificate-errors",
            "--no-first-run",
            "--no-proxy-server",
            f"--user-data-dir={tmp_path}/profile",
            "--remote-debugging-port=0",
            f"https://127.0.0.1:{server.ports['tls']}/page",
        ],
        stdout=subprocess.DEVNULL,
        stderr=open(tmp_path / "browser.log", "wb"),
        start_new_session=True,
    )
    try:
        wait_until(lambda: len(recorder.for_path("/result")) == 2, "two words of the page's", 40, 0.05)
    finally:
        os.killpg(browsing.pid, signal.SIGKILL)
        browsing.wait(10)
    # Two requests of a browser come in any order.
    results = sorted(request.target for request in recorder.for_path("/result"))
    assert results == ["/result?100000%207", "/result?closed%201000%20true"]
    log = server.directory / "connections.log"
    wait_until(lambda: "/echo" in log.read_text(), "the WebSocket in the log")
    lines = [line.split(" ") for line in log.read_text().splitlines() if "/favicon" not in line]
    assert {line[1] for line in lines} == {"HTTP/2.0"}
    assert len({line[0] for line in lines}) == 1, lines
