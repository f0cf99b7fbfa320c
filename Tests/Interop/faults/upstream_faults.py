"""What an upstream can do wrong."""

from harness.client import head

from .fault import Fault
from .stage import outcome

#: Short enough for a test, long enough for a busy machine.
READ_TIMEOUT = "proxy_read_timeout 400ms;"
SEND_TIMEOUT = "proxy_send_timeout 400ms;"
#: How many of a kind that takes its time are on at once.
MANY = 100
#: And of one that takes a moment.
SOME = 20

WEBSOCKET = (
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
)


def ask(name, sees, log, script="ok", location="", within=2.0, **options):
    """A fault that a plain GET meets."""
    return Fault(name, sees, within, log, location=location, script=script, **options)


def slow(name, sees, log, script="ok", location=READ_TIMEOUT, **options):
    """The same, where a time-out has to pass: as many at once as there are repetitions."""
    return ask(name, sees, log, script, location, within=5.0, times=MANY, at_once=MANY, **options)


def upload(size):
    """Sends a body as far as it is taken."""

    def act(stage, fault):
        with stage.connect() as connection:
            connection.socket.settimeout(5)
            try:
                connection.send(head("POST", fault.path, [("Content-Length", str(size))]) + bytes(size))
            except OSError:
                pass  # Refused underway; the answer is there all the same.
            return outcome(connection)[0]

    return act


def has_its_upgrade_reset(stage, fault):
    with stage.connect() as connection:
        connection.send(head("GET", fault.path, WEBSOCKET))
        status = connection.response_head().status
        connection.send(b"reset")
        return f"{status}, connection {'closed' if connection.is_closed() else 'open'}"


def asks_and_waits(stage, fault):
    """Until what is said on the idle connection was noticed."""
    mark = stage.log.mark()
    seen = stage.ask(fault)
    stage.log.wait(mark, 1)
    return seen


def unreadable(reason):
    return "error", f"upstream sent a reply that can't be forwarded ({reason})"


SURPLUS = ("warn", "sent more than its reply")
UNTRUSTED = "proxy_ssl_verify on;"
TRUSTED = "proxy_ssl_trusted_certificate {authority}; proxy_ssl_name localhost;"
BROKEN = ("error", "Connection reset by peer")


FAULTS = [
    ask(
        "upstream refuses the connection",
        "502",
        ("error", "connection refused while connecting to upstream"),
        target="refusing",
    ),
    slow(
        "upstream doesn't answer the call",
        "504",
        ("error", "upstream timed out while connecting to upstream"),
        location="proxy_connect_timeout 400ms;",
        target="full",
    ),
    ask("upstream accepts and resets", "502", BROKEN, target="resetting"),
    ask(
        "upstream closes without a word",
        "502",
        ("error", "upstream closed the connection too early while waiting for upstream's reply"),
        "closes_at_once",
    ),
    ask(
        "upstream resets before the head",
        "502",
        ("error", "Connection reset by peer while waiting for upstream's reply"),
        "resets_before_the_head",
    ),
    ask(
        "upstream resets in the head",
        "502",
        ("error", "Connection reset by peer while reading the head of upstream's reply"),
        "resets_in_the_head",
        at_once=SOME,
    ),
    ask(
        "upstream resets after the head",
        "200, cut short",
        ("error", "Connection reset by peer while reading upstream's reply"),
        "resets_after_the_head",
        at_once=SOME,
    ),
    ask(
        "upstream resets in the body",
        "200, cut short",
        ("error", "Connection reset by peer while reading upstream's reply"),
        "resets_in_the_body",
        at_once=SOME,
    ),
    ask(
        "upstream closes in the middle of a chunk",
        "200, cut short",
        ("warn", "upstream closed the connection too early while reading upstream's reply"),
        "closes_in_a_chunk",
    ),
    ask(
        "upstream resets in the middle of a chunk",
        "200, cut short",
        ("error", "Connection reset by peer while reading upstream's reply"),
        "resets_in_a_chunk",
        at_once=SOME,
    ),
    ask(
        "upstream cuts the trailers",
        "200, cut short",
        ("warn", "upstream closed the connection too early while reading upstream's reply"),
        "trailers_cut",
    ),
    ask(
        "upstream sends a chunk longer than it said",
        "200, cut short",
        unreadable("a chunk's bytes aren't followed by CRLF"),
        "bad_chunk",
    ),
    ask(
        "upstream sends less than its length",
        "200, cut short",
        ("warn", "upstream closed the connection too early while reading upstream's reply"),
        "less_than_its_length",
    ),
    ask(
        "upstream sends more than its length",
        "200",
        SURPLUS,
        "more_than_its_length",
    ),
    ask("upstream sends a body that it said is empty", "200", SURPLUS, "more_than_nothing"),
    ask("upstream sends more than its chunks", "200", SURPLUS, "more_than_its_chunks"),
    ask(
        "upstream speaks when nothing was asked",
        "200",
        ("info", "sent something when nothing was asked"),
        "speaks_up",
        act=asks_and_waits,
        times=30,
    ),
    slow("upstream sends nothing", "504", ("error", "upstream timed out while waiting for upstream's reply"), "silent"),
    slow(
        "upstream stops in the body",
        "200, cut short",
        ("error", "upstream timed out while reading upstream's reply"),
        "stops_in_the_body",
    ),
    ask("upstream sends garbage", "502", unreadable("a NUL byte in the head"), "garbage"),
    ask(
        "upstream speaks another protocol",
        "502",
        unreadable("the status line isn't version, three digits and reason"),
        "ssh",
    ),
    ask("upstream gives two lengths", "502", unreadable("more than one Content-Length"), "two_lengths"),
    ask(
        "upstream gives a length and chunks",
        "502",
        unreadable("both Content-Length and Transfer-Encoding"),
        "length_and_chunked",
    ),
    ask("upstream's head is too large", "502", unreadable("a field is too long"), "big_head"),
    ask("upstream's head has too many fields", "502", unreadable("too many fields"), "many_fields"),
    slow(
        "upstream's head comes a byte at a time",
        "504",
        ("error", "upstream timed out while reading the head of upstream's reply"),
        "trickles_its_head",
    ),
    slow(
        "upstream sends 100 and then nothing",
        "504",
        ("error", "upstream timed out while reading the head of upstream's reply"),
        "continues_and_stops",
    ),
    ask("upstream sends 100 without end", "502", unreadable("interim replies without end"), "continues_for_ever"),
    ask(
        "upstream switches protocols and nobody asked",
        "502",
        unreadable("it switches protocols though nobody asked"),
        "switches",
    ),
    ask(
        "upstream refuses an upgrade without the blank line and closes",
        "502",
        ("error", "upstream closed the connection too early while reading the head of upstream's reply"),
        "closes_in_the_head",
        fields=WEBSOCKET,
    ),
    slow(
        "upstream refuses an upgrade without the blank line and stays",
        "504",
        ("error", "upstream timed out while reading the head of upstream's reply"),
        "stops_in_the_head",
        fields=WEBSOCKET,
    ),
    ask(
        "upstream resets an upgraded connection",
        "101, connection closed",
        ("info", "broke on the upstream's side: recv: Connection reset by peer"),
        "upgrades",
        act=has_its_upgrade_reset,
    ),
    ask(
        "upstream accepts and never reads",
        "504",
        ("error", "upstream timed out while sending the request to upstream"),
        "never_reads",
        SEND_TIMEOUT,
        act=upload(8 << 20),
        within=8.0,
        times=10,
        at_once=10,
    ),
    ask("upstream refuses a body before it has come", "413", (), "refuses_the_body", act=upload(200_000)),
    ask("upstream hangs up on a kept connection", "200", (), "answers_and_hangs_up"),
    ask(
        "upstream speaks no TLS",
        "502",
        ("error", "TLS with the upstream failed (TLS handshake failed: wrong version number)"),
        location=TRUSTED,
        target="https:chatty",
    ),
    slow(
        "upstream doesn't answer the TLS handshake",
        "504",
        ("error", "upstream timed out while connecting to upstream"),
        location=TRUSTED + " proxy_connect_timeout 400ms;",
        target="https:scripted",
    ),
    ask(
        "upstream's certificate is nobody's we trust",
        "502",
        ("error", "TLS with the upstream failed (TLS handshake failed: unable to get local issuer certificate)"),
        location=UNTRUSTED,
        target="https:secure",
        times=200,
    ),
    ask(
        "upstream's certificate is for another name",
        "502",
        ("error", "TLS with the upstream failed (TLS handshake failed: hostname mismatch)"),
        location=TRUSTED.replace("localhost", "elsewhere.invalid"),
        target="https:secure",
        times=200,
    ),
    ask(
        "upstream breaks TLS in the middle of a reply",
        "200, cut short",
        ("error", "SSL_read: Protocol error while reading upstream's reply"),
        "breaks_tls",
        TRUSTED,
        target="https:secure",
        times=200,
    ),
]
