"""What is counted: each cause moves its counter by exactly what was done, and the page is one that Prometheus takes."""

import re
import ssl
import threading
import time
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from conftest import ALICE, BOB
from harness.client import basic, in_threads
from harness.metrics import parse, read_metrics
from harness.ports import free_ports, wait_until
from harness.process import Server
from harness.recorder import Recorder
from harness.site import Site
from harness.websocket import WebSocket
from http2 import frames as h2

pytestmark = pytest.mark.peers("postern-native")

#: Counters that move only when something is refused, fails or ends early. Each row names all of them that it moves.
CAUSES = (
    "postern_connections_refused_total",
    "postern_client_timeouts_total",
    "postern_slow_clients_total",
    "postern_heads_abandoned_total",
    "postern_requests_refused_total",
    "postern_malformed_requests_total",
    "postern_http2_connections_failed_total",
    "postern_http2_streams_broken_total",
    "postern_http2_streams_refused_total",
    "postern_upstream_retries_total",
    "postern_upstream_failures_total",
    "postern_password_hashes_shed_total",
    "postern_log_lines_dropped_total",
    "postern_error_log_lines_dropped_total",
)

LOCATIONS = """
location /login { auth_basic "x"; auth_basic_user_file {directory}/htpasswd; proxy_pass http://gateway; }
location /nobody { auth_basic "x"; auth_basic_user_file {directory}/none; proxy_pass http://gateway; }
location /limited { limit_req rate=1r/h burst=0 per=ip; proxy_pass http://gateway; }
location /one { limit_conn 1 per=ip; proxy_pass http://gateway; }
location /denied { deny all; proxy_pass http://gateway; }
location /small { client_max_body_size 10; proxy_pass http://gateway; }
location /gone { proxy_pass http://GONE; }
location /brief { proxy_read_timeout 200ms; proxy_pass http://gateway; }
metrics /metrics;
"""
BOUNDS = """
client_header_timeout 1s; client_body_timeout 1s; keepalive_timeout 1s; client_min_rate 1k/s over=2s;
"""


def refused(cause, count=1):
    return {f'postern_requests_refused_total{{cause="{cause}"}}': count}


def malformed(kind):
    return {f'postern_malformed_requests_total{{kind="{kind}"}}': 1} | refused("bad-request")


def timed_out(wait):
    return {f'postern_client_timeouts_total{{wait="{wait}"}}': 1}


def session_failed(cause):
    return {f'postern_http2_connections_failed_total{{cause="{cause}"}}': 1}


def failed(cause, upstream="gateway"):
    series = f'postern_upstream_failures_total{{upstream="{upstream}",cause="{cause}"}}'
    return {series: 1} | refused("upstream-failed")


@dataclass
class Row:
    """What a client does, and all the counters of causes that move."""

    name: str
    does: object
    moves: dict = field(default_factory=dict)

    def __str__(self):
        return self.name.replace(" ", "-")


def get(target, *fields, method="GET", body=None, status=None):
    """One request on a connection of its own."""

    def act(stage):
        answer = stage.server.get(target, fields, port="plain", method=method, body=body)
        assert status in (None, answer.status), answer.status

    return act


def raw(text, port="plain", ends=True):
    """Bytes as they are, and then what comes until the end."""

    def act(stage):
        with stage.server.connect(port, context=None) as connection:
            try:
                connection.send(text if isinstance(text, bytes) else text.encode())
                while ends and connection.take():
                    pass
            except ConnectionError:  # Ended, with something unread.
                pass

    return act


def frames(*parts):
    """Frames of HTTP/2, until the connection ends."""

    def act(stage):
        with h2.Wire(stage.server.ports["h2c"]) as wire:
            try:
                for part in parts:
                    wire.send(part)
            except OSError:  # It has ended already.
                return
            stage.drain(wire)

    return act


def twice_at_once(stage):
    with stage.server.connect("plain") as first:
        first.send(b"GET /one/hang HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: stage.recorder.for_path("/one/hang"), "the first at the gateway")
        assert stage.server.get("/one/hang", port="plain").status == 429
        stage.release.set()
        assert first.response().status == 200


def leave(stage):
    stage.release.clear()
    before = len(stage.recorder.for_path("/hang"))
    with stage.server.connect("plain") as connection:
        connection.send(b"GET /hang HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: len(stage.recorder.for_path("/hang")) > before, "the request at the gateway")
    stage.release.set()


def slow_body(stage):
    with stage.server.connect("plain") as connection:
        connection.send(b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n")
        for _ in range(100):
            try:
                connection.send(b"x")
            except OSError:
                return
            time.sleep(0.1)
        pytest.fail("it was never cut off")


def repeated(*times):
    return [get("/limited", status=status) for status in times]


def in_turn(*actions):
    def act(stage):
        for action in actions:
            action(stage)

    return act


HEAD = "GET / HTTP/1.1\r\nHost: localhost\r\n"
ROWS = [
    Row("nothing wrong", get("/fine", status=200)),
    Row("no login", get("/login", status=401), refused("credentials-missing")),
    Row("a wrong password", get("/login", basic("alice", "wrong"), status=401), refused("credentials-wrong")),
    Row(
        "Authorization twice",
        get("/login", basic("alice", "password"), basic("bob", "password"), status=400),
        refused("credentials-repeated"),
    ),
    Row("no users to be found", get("/nobody", basic("alice", "password")), refused("password-file-unavailable")),
    Row("limit_req", in_turn(*repeated(200, 429, 429)), refused("rate-limited", 2)),
    Row("limit_conn", twice_at_once, refused("connections-limited")),
    Row("an address that is denied", get("/denied", status=403), refused("address-denied")),
    Row(
        "another site's page",
        get("/x", ("Sec-Fetch-Site", "cross-site"), method="POST", body=b"x", status=403),
        refused("cross-site"),
    ),
    Row("a large body", get("/small", method="POST", body=b"x" * 11, status=413), refused("body-too-large")),
    Row(
        "a large body in chunks",
        raw("POST /small HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + "x" * 255 + "\r\n"),
        refused("body-too-large"),
    ),
    Row("a bad path", get("/%00", status=400), refused("malformed-path")),
    Row("a path of two readings", get("/denied/..%2fx", status=400), refused("ambiguous-path")),
    Row("no location", raw("GET /x HTTP/1.1\r\nHost: empty\r\nConnection: close\r\n\r\n"), refused("no-such-location")),
    Row("bare LF", raw("GET / HTTP/1.1\nHost: localhost\n\n"), malformed("bare-line-feed")),
    Row("a fold", raw(HEAD + "X: a\r\n b\r\n\r\n"), malformed("folded-line")),
    Row("a space before a colon", raw(HEAD + "X : a\r\n\r\n"), malformed("space-before-colon")),
    Row("two lengths", raw(HEAD + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"), malformed("repeated-content-length")),
    Row(
        "a length and chunks",
        raw(HEAD + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
        malformed("length-with-transfer-encoding"),
    ),
    Row("no Host", raw("GET / HTTP/1.1\r\n\r\n"), malformed("missing-host")),
    Row("a long line", raw("GET /" + "x" * 9000 + " HTTP/1.1\r\nHost: localhost\r\n\r\n"), malformed("request-line-too-long")),
    Row("many fields", raw(HEAD + "X: a\r\n" * 150 + "\r\n"), malformed("too-many-fields")),
    Row("not HTTP", raw("\x16\x03\x01\r\n\r\n"), malformed("malformed-method")),
    Row(
        "broken chunks",
        raw("POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        malformed("body"),
    ),
    Row("half a head", raw("GET / HT"), timed_out("head") | refused("request-timed-out")),
    Row("leaving in the head", raw("GET / HT", ends=False), {"postern_heads_abandoned_total": 1}),
    Row(
        "half a body",
        raw("POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx"),
        timed_out("body") | refused("request-timed-out"),
    ),
    Row("a slow body", slow_body, {'postern_slow_clients_total{direction="body"}': 1} | refused("client-too-slow")),
    Row("nothing said", raw(""), timed_out("request")),
    Row("nothing said to TLS", raw("", "tls"), timed_out("tls-handshake")),
    Row("HTTP to a TLS port", raw(HEAD + "\r\n", "tls"), refused("bad-request")),
    Row("garbage to a TLS port", raw(b"\x16\x03\x01\x00\x05hello", "tls")),
    Row("leaving before the answer", leave, refused("client-gone")),
    Row("nobody listens upstream", lambda stage: get("/gone", status=502)(stage), "gone"),
    Row("a silent gateway", get("/brief/silent", status=504), failed("timed-out")),
    Row("a reply that is none", get("/garbage", status=502), failed("bad-reply")),
    Row("a reply that breaks off", raw("GET /short HTTP/1.1\r\nHost: localhost\r\n\r\n"), failed("closed-early")),
    Row("a reply that is reset", get("/reset", method="POST", body=b"x", status=502), failed("reset")),
    Row("an invalid header of the PROXY protocol", raw("HELLO\r\n\r\n", "proxied"), {'postern_connections_refused_total{cause="proxy-protocol-invalid"}': 1}),
    Row(
        "half a header of the PROXY protocol",
        raw("PROXY", "proxied"),
        {'postern_connections_refused_total{cause="proxy-protocol-invalid"}': 1} | timed_out("proxy-protocol"),
    ),
    Row("h2: priority churn", frames(h2.priority(1) * 20000), session_failed("idle-frames")),
    Row("h2: WINDOW_UPDATEs", frames(h2.window(0, 1) * 20000), session_failed("idle-frames")),
    Row("h2: rapid reset", frames(*(h2.get(n, "/fine") + h2.rst(n) for n in range(1, 4000, 2))), session_failed("resets")),
    Row(
        "h2: CONTINUATION without end",
        frames(h2.headers(1, [(":method", "GET")], flags=0), *[h2.frame(9, 0, 1, b"") for _ in range(100)]),
        session_failed("continuations"),
    ),
    Row("h2: a frame of a wrong size", frames(h2.frame(6, 0, 0, b"short")), session_failed("frame-size")),
    Row("h2: a frame of no stream", frames(h2.frame(0, 0, 0, b"x")), session_failed("violation")),
    Row("h2: half a header block", frames(h2.headers(1, [(":method", "GET")], flags=0)), timed_out("head")),
    Row("h2: nothing asked", frames(), timed_out("request")),
]


class Stage:
    def __init__(self, directory, certificate, context):
        self.release = threading.Event()
        self.recorder = Recorder()
        for path in ("/hang", "/one/hang"):
            self.recorder.on(path, lambda exchange: (self.release.wait(10), exchange.reply()))
        self.recorder.on("/brief/silent", lambda exchange: exchange.wait_peer_gone(10))
        self.recorder.on("/garbage", lambda exchange: (exchange.send(b"hello\r\n\r\n"), exchange.close()))
        short = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"
        self.recorder.on("/short", lambda exchange: (exchange.send(short), exchange.close()))
        self.recorder.on("/reset", lambda exchange: exchange.reset())
        self.gone = f"127.0.0.1:{free_ports(1)[0]}"
        site = Site(
            upstream=self.recorder.address + " max_fails=0",
            upstream_lines="keepalive 0;",
            users=ALICE + BOB,
            listeners=["h2c", "proxied"],
            http2=True,
            server="listen {h2c} http2; listen {proxied} proxy_protocol; set_real_ip_from 127.0.0.1;",
            native_server=LOCATIONS.replace("GONE", self.gone),
            native_top=BOUNDS + "server { listen {plain}; server_name empty; location /some { return 204; } }",
            workers=2,
        )
        (directory / "htpasswd").write_text(ALICE + BOB)
        self.server = Server("postern-native", directory, site, *certificate, context)

    def drain(self, wire):
        wire.socket.settimeout(10)
        try:
            while wire.socket.recv(65536):
                pass
        except ConnectionError:
            pass

    def causes(self, before):
        moved = read_metrics(self.server).moved(before)
        return {series: value for series, value in moved.items() if series.split("{")[0] in CAUSES}

    def close(self):
        self.release.set()
        self.server.stop()
        self.recorder.close()


@pytest.fixture(scope="module")
def stage(tmp_path_factory, certificate, context):
    stage = Stage(tmp_path_factory.mktemp("metrics"), certificate, context)
    yield stage
    stage.close()


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_cause_moves_its_counter_by_exactly_that(stage, row):
    before = read_metrics(stage.server)
    row.does(stage)
    moves = failed("refused", stage.gone) if row.moves == "gone" else row.moves
    try:
        wait_until(lambda: stage.causes(before) == moves, "the counters")
    except AssertionError:
        assert stage.causes(before) == moves
        raise


def test_every_cause_stands_on_the_page_from_the_start(start, recorder):
    """So that the first time is a rise, too, and not a new series."""
    page = read_metrics(start("postern-native", Site(upstream=recorder.address, native_server="metrics /metrics;")))
    for row in ROWS:
        for series in row.moves if isinstance(row.moves, dict) else ():
            assert series in page, series


# What goes well is counted as well.


def test_requests_replies_and_bytes(stage):
    before = read_metrics(stage.server)
    with stage.server.connect("plain") as connection:
        for _ in range(5):
            assert connection.request("GET", "/fine").status == 200
        assert connection.request("POST", "/fine", body=b"x" * 100_000).status == 200
    after = read_metrics(stage.server)
    moved = after.moved(before)
    # The page that was read before has ended since.
    assert moved['postern_requests_total{protocol="http1"}'] == 7
    assert moved['postern_responses_total{protocol="http1",class="2xx"}'] == 7
    assert moved['postern_upstream_requests_total{upstream="gateway"}'] == 6
    assert moved["postern_connections_accepted_total"] == 2
    assert 100_000 < moved["postern_received_bytes_total"] < 102_000
    assert moved["postern_sent_bytes_total"] > 6 * 50


def test_streams_count_as_requests_and_their_connection_once(stage):
    before = read_metrics(stage.server)
    with h2.Wire(stage.server.ports["h2c"]) as wire:
        wire.send(*(h2.get(n, "/fine") for n in (1, 3, 5)))
        wait_until(lambda: len(stage.recorder.requests) and _answered(stage, before) == 3, "three answers")
        page = read_metrics(stage.server)
    moved = page.moved(before)
    assert moved['postern_requests_total{protocol="http2"}'] == 3
    assert moved["postern_http2_connections_total"] == 1


def _answered(stage, before):
    page = read_metrics(stage.server)
    return page.moved(before).get('postern_responses_total{protocol="http2",class="2xx"}', 0)


def test_handshakes(stage):
    before = read_metrics(stage.server)
    with stage.server.connect() as first:
        first.request("GET", "/fine")
        session = first.socket.session
    with stage.server.connect(session=session) as second:
        second.request("GET", "/fine")
        assert second.socket.session_reused
    with stage.server.connect(context=None) as third:
        third.send(b"\x16\x03\x01\x00\x05hello")
        third.is_closed()
    moved = read_metrics(stage.server).moved(before)
    results = {result: moved[f'postern_tls_handshakes_total{{result="{result}"}}'] for result in ("full", "resumed", "failed")}
    assert results == {"full": 1, "resumed": 1, "failed": 1}


def test_what_is_open_is_a_gauge(start, recorder):
    release = threading.Event()

    def events(exchange):
        exchange.start_chunked()
        exchange.chunk(b"data: 1\n\n")
        release.wait(10)
        exchange.end_chunked()

    recorder.on("/events", events)
    recorder.on("/ws", lambda exchange: exchange.echo_websocket())
    server = start("postern-native", Site(upstream=recorder.address, native_server="metrics /metrics;"))
    port = server.ports["plain"]
    with WebSocket(f"ws://127.0.0.1:{port}/ws", None) as socket, server.connect("plain") as stream:
        socket.echo("x")
        stream.send(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        stream.response_head()
        page = read_metrics(server)
        assert page.value("postern_websockets_open") == 1
        assert page.value("postern_event_streams_open") == 1
        # The event stream and this page.
        assert page.value("postern_requests_open") == 2
        assert page.value("postern_connections", state="open") == 3
        assert page.value("postern_connections", state="writing") == 3
        assert page.value("postern_upstream_server_requests_open") == 2
        assert page.value("postern_upstream_server_up") == 1
        release.set()
    wait_until(lambda: read_metrics(server).value("postern_websockets_open") == 0, "no WebSocket")
    wait_until(lambda: read_metrics(server).value("postern_event_streams_open") == 0, "no event stream")
    page = read_metrics(server)
    assert page.value("postern_websockets_total") == 1 and page.value("postern_event_streams_total") == 1


def test_logins_hashes_and_the_queue(start, recorder, users):
    site = Site(upstream=recorder.address, auth=True, users=users, native_server="location = /m { metrics; auth_basic off; }")
    server = start("postern-native", site)
    for _ in range(3):
        assert server.get("/", [basic("alice", "password")]).status == 200
    assert server.get("/", [basic("alice", "wrong")]).status == 401
    page = read_metrics(server, "/m")
    assert page.value("postern_password_hashes_total") == 2
    assert page.value("postern_credential_cache_hits_total") == 2
    assert page.value("postern_credential_cache_entries") == 1
    assert page.value("postern_password_hashes_waiting") == 0


def test_client_max_connections(start, recorder):
    site = Site(upstream=recorder.address, top="client_max_connections 3 per=ip;", native_server="metrics /metrics;")
    server = start("postern-native", site)
    held = []

    def hold():
        # The harness looked whether it listens, and its own connection may not be forgotten yet.
        connection = server.connect("plain")
        try:
            connection.request()
            held.append(connection)
        except ConnectionError:
            connection.close()
        return len(held) == 3

    wait_until(hold, "three connections")
    for _ in range(5):
        with server.connect("plain") as connection:
            assert connection.is_closed()
    held.pop().close()
    for connection in held:
        connection.close()
    page = wait_for_page(server)
    assert page.value("postern_connections_refused_total", cause="client-max-connections") >= 5


def wait_for_page(server):
    pages = []

    def read():
        try:
            pages.append(read_metrics(server))
            return True
        except (OSError, AssertionError, ValueError):
            return False

    wait_until(read, "a page")
    return pages[0]


def test_a_reload_keeps_every_count_and_is_one(start, recorder):
    site = Site(upstream=recorder.address, workers=2, native_server="metrics /metrics;")
    server = start("postern-native", site)
    for _ in range(10):
        assert server.get(port="plain").status == 200
    before = read_metrics(server)
    assert before.value("postern_upstream_requests_total", upstream="gateway") == 10
    # The upstream's group is another one from here on.
    server.rewrite(Site(upstream=recorder.address, workers=2, upstream_lines="keepalive 3;", native_server="metrics /metrics;"))
    server.reload()
    server.config.write_text("nonsense;")
    server.signal(1)
    server.wait_logged("was not reloaded")
    after = read_metrics(server)
    for series, value in before.items():
        if before.types[series.split("{")[0]] == "counter":
            assert after[series] >= value, series
    assert after.value("postern_upstream_requests_total", upstream="gateway") == 10
    assert after.value("postern_reloads_total", result="ok") == 1
    assert after.value("postern_reloads_total", result="failed") == 1
    assert after.value("postern_last_reload_failed") == 1
    assert after["process_start_time_seconds"] == before["process_start_time_seconds"]
    assert after.value("postern_config_load_timestamp_seconds") > before.value("postern_config_load_timestamp_seconds")


def test_the_certificates_end(start, recorder, certificate):
    page = read_metrics(start("postern-native", Site(upstream=recorder.address, native_server="metrics /metrics;")))
    end = ssl._ssl._test_decode_cert(str(certificate[0]))["notAfter"]
    expiry = page.value("postern_certificate_expiry_timestamp_seconds", server="localhost")
    assert expiry == ssl.cert_time_to_seconds(end)


# Who may read it.


def test_it_is_this_machines_own_unless_told_otherwise(start, recorder, users):
    trust = "set_real_ip_from 127.0.0.1;"
    others = [("X-Real-IP", "192.0.2.7")]
    lines = trust + "metrics /metrics; location = /all { metrics; allow all; }"
    lines += "location = /some { metrics; allow 192.0.2.0/24; } location = /not { metrics; deny 192.0.2.9; }"
    server = start("postern-native", Site(upstream=recorder.address, native_server=lines))
    assert server.get("/metrics").status == 200
    assert server.get("/metrics", others).status == 403
    assert server.get("/all", others).status == 200
    assert server.get("/some", others).status == 200
    assert server.get("/some", [("X-Real-IP", "198.51.100.1")]).status == 403
    assert server.get("/not", others).status == 403


def test_a_login_holds_there_too(start, recorder, users):
    server = start("postern-native", Site(upstream=recorder.address, auth=True, users=users, native_server="metrics /metrics;"))
    assert server.get("/metrics").status == 401
    assert server.get("/metrics", [basic("alice", "password")]).status == 200
    assert recorder.requests == []


def test_limits_hold_there_too(start, recorder):
    lines = "location = /metrics { metrics; limit_req rate=1r/h burst=1 per=ip; }"
    server = start("postern-native", Site(upstream=recorder.address, native_server=lines))
    assert [server.get("/metrics").status for _ in range(4)] == [200, 200, 429, 429]


def test_many_at_once_get_whole_pages_and_others_are_served(start, recorder):
    server = start("postern-native", Site(upstream=recorder.address, workers=2, native_server="metrics /metrics;"))

    def scrape(_):
        with server.connect("plain") as connection:
            for _ in range(25):
                answer = connection.request("GET", "/metrics")
                assert answer.status == 200
                parse(answer.text)
        return True

    threads = threading.Thread(target=lambda: in_threads(8, scrape))
    threads.start()
    assert server.get("/").status == 200
    threads.join(60)
    page = read_metrics(server)
    assert page.value("postern_responses_total", protocol="http1", class_="2xx") >= 200


@pytest.mark.measures("processor time")
def test_a_page_costs_little(start, recorder):
    server = start("postern-native", Site(upstream=recorder.address, native_server="metrics /metrics;"))
    with server.connect("plain") as connection:
        connection.request("GET", "/metrics")
        before = parse(connection.request("GET", "/metrics").text).value("process_cpu_seconds_total")
        for _ in range(100):
            assert len(connection.request("GET", "/metrics").body) < 64 << 10
        after = parse(connection.request("GET", "/metrics").text).value("process_cpu_seconds_total")
    assert (after - before) / 101 < 0.004


# Nginx's own page.

STATUS = re.compile(
    r"Active connections: (\d+) \nserver accepts handled requests\n (\d+) (\d+) (\d+) \nReading: (\d+) Writing: (\d+) Waiting: (\d+) \n"
)


def status(server, **options):
    answer = server.get("/status", port="plain", **options)
    assert answer.status == 200 and answer.value("Content-Type") == "text/plain"
    match = STATUS.fullmatch(answer.text)
    assert match, answer.text
    names = ("active", "accepts", "handled", "requests", "reading", "writing", "waiting")
    return SimpleNamespace(**dict(zip(names, map(int, match.groups()))))


@pytest.mark.peers("nginx", "postern-nginx")
def test_stub_status_as_nginx_has_it(peer, start, recorder):
    release = threading.Event()
    recorder.on("/hang", lambda exchange: (release.wait(10), exchange.reply()))
    words = 'return 200 "$connections_active $connections_reading $connections_writing $connections_waiting";'
    lines = f"location = /status {{ stub_status; }} location = /words {{ {words} }}"
    server = start(peer, Site(upstream=recorder.address, nginx_server=lines))
    wait_until(lambda: status(server).active == 1, "nobody else")
    before = status(server)
    with server.connect("plain") as idle, server.connect("plain") as half, server.connect("plain") as busy:
        assert idle.request("GET", "/").status == 200
        assert idle.request("GET", "/").status == 200
        half.send(b"GET / HT")
        busy.send(b"GET /hang HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: recorder.for_path("/hang"), "the request at the gateway")
        wait_until(lambda: status(server).reading == 1, "the half head")
        found = status(server)
        assert (found.active, found.reading, found.writing, found.waiting) == (4, 1, 2, 1)
        again = status(server)
        assert again.accepts - found.accepts == 1 and again.handled - found.handled == 1
        assert again.requests - found.requests == 1
        assert server.get("/words", port="plain").text == "4 1 2 1"
        release.set()
        assert busy.response().status == 200
        assert [server.get("/status", port="plain", method=method).status for method in ("POST", "DELETE")] == [405, 405]
        assert server.get("/status", port="plain", method="HEAD").status == 200
    wait_until(lambda: status(server).active == 1, "all gone")
    last = status(server)
    assert (last.reading, last.writing, last.waiting) == (0, 1, 0)
    # The three, and what asked meanwhile; the half head counts as a request with Nginx, too.
    assert last.accepts == last.handled
    assert last.requests - before.requests == last.accepts - before.accepts + 1
