"""The floods, as a table: how each connection of an attacker's ends, and why, as the log has it."""

from dataclasses import dataclass


#: Another client's p99 while a flood is on, against what it was just before: how many times that, and what is allowed anyhow,
#: in seconds. A machine that does other things as well may make it longer, but then for a server that nobody floods as well.
TIMES, FLOOR, BESIDE = 5, 0.01, 2
#: What is allowed anyhow where thousands are seen off at the same time.
SLOWER = 0.05


@dataclass(frozen=True)
class Flood:
    """What an attack is, how its connections end, and what the log says of each."""

    name: str
    #: A key of `attacks.ATTACKS`.
    attack: str
    #: How every connection of the attacker's ends, in words; more than one where it depends on when the flood ends.
    ends: tuple[str, ...]
    #: Level and words of the lines in the error log; "access" and words for the access log.
    log: tuple[str, ...]
    #: How many such lines each connection has: one, or one for each stream.
    lines: int = 1
    #: Whether a line names the connection's port. Where it doesn't, all of them together are counted.
    names_port: bool = True
    #: Not 0 where its connections are held until the server ends them: all such floods of a group are on at once.
    group: int = 0
    #: The series of metrics, or what they begin with, that together go up for each connection, by `lines` or by `counts`.
    counters: tuple = ()
    counts: int = 0
    #: What another client's p99 may be anyhow, in seconds.
    floor: float = FLOOR

    def __str__(self):
        return self.attack


def miscounted(floods, before, after, connections):
    """What is wrong with the counters of floods that were on at once, in words, or nothing. `connections` by attack."""
    counters = {counter for flood in floods for counter in flood.counters}
    moved = {name: count for name, count in after.moved(before).items() if name.startswith(tuple(counters))}
    expected = sum((flood.counts or flood.lines) * connections[flood.attack] for flood in floods)
    if sum(moved.values()) != expected:
        return f"{moved} for {expected}"
    return None


CALM, BROKEN = "GOAWAY ENHANCE_YOUR_CALM", "GOAWAY PROTOCOL_ERROR"


def calmed(name, attack, *words, ends=(CALM,), **options):
    return Flood(name, attack, ends, ("warn", *words), counters=("postern_http2_connections_failed_total{",), **options)


RESETS = "streams are reset too often"
IDLE = "too many frames that move nothing"
UNREAD = "answers to PING and SETTINGS aren't read"
#: Beyond what was agreed on of streams at a time, that is.
RULES = "HTTP/2's rules were violated"
BLOCK = "a header block far beyond the largest head"


def resets(name, attack, *words, **options):
    """Streams come and go faster than they may; some connections open more than agreed on at a time before that shows."""
    return calmed(name, attack, RESETS, RULES, *words, ends=(CALM, BROKEN), **options)


HTTP2 = [
    resets("rapid reset", "rapid_reset"),
    resets("rapid reset of uploads", "rapid_reset_with_bodies"),
    resets("made-you-reset, a window overflows", "made_you_reset_by_window"),
    calmed("made-you-reset, WINDOW_UPDATE of 0", "made_you_reset_by_nothing", RULES, ends=(BROKEN,)),
    resets("made-you-reset, more body than its length", "made_you_reset_by_length"),
    calmed(
        "made-you-reset, DATA after the end",
        "made_you_reset_after_the_end",
        "a frame came for a closed stream",
        ends=("GOAWAY STREAM_CLOSED",),
    ),
    calmed(
        "made-you-reset, a stream depends on itself",
        "made_you_reset_by_priority",
        RULES,
        RESETS,
        IDLE,
        ends=(BROKEN, CALM),
    ),
    resets("requests that are refused", "refusals"),
    resets("empty HEADERS", "empty_headers"),
    calmed("HEADERS for streams that are over", "streams_that_are_over", IDLE),
    calmed("CONTINUATION without end", "continuation", BLOCK),
    calmed("empty CONTINUATION without end", "empty_continuation", "too many CONTINUATION frames"),
    calmed("HPACK bomb", "hpack_bomb", BLOCK),
    resets("HPACK bombs below the limit", "hpack_bombs_below_the_limit"),
    calmed("a bomb of crumbs", "crumbs", BLOCK),
    resets("crumbs and other fields by the hundred, below the limit of bytes", "crumbs_below_the_limit", IDLE),
    calmed("SETTINGS", "settings_flood", IDLE, UNREAD),
    calmed("PING", "ping_flood", IDLE, UNREAD),
    calmed("empty DATA", "empty_data", IDLE),
    calmed("DATA that is all padding", "padding_alone", IDLE),
    calmed("PRIORITY", "priority_churn", IDLE),
    calmed("WINDOW_UPDATE", "window_churn", IDLE),
    calmed("frames nobody knows", "unknown_frames", IDLE),
    Flood("a connection a millisecond, with a request", "connections", ("204",), ("access", '"GET /none HTTP/2.0" 204'), counters=("postern_http2_connections_total",)),
]

HEAD = ("info", "took too long to send a request's head")
BODY = ("info", "took too long to send a request's body")
REPLY = ("info", "took too long to read the reply")
LATE = ("info", "timed out during the TLS handshake")
IN_ORDER = "GOAWAY NO_ERROR"


SILENCE = ("info", "sent no request in time")


def waited(what):
    return (f'postern_client_timeouts_total{{wait="{what}"}}',)


def slow(direction):
    return (f'postern_slow_clients_total{{direction="{direction}"}}',)


def waits(name, attack, ends, log, counters, group=1, **options):
    return Flood(name, attack, (ends,), log, group=group, counters=counters, floor=SLOWER, **options)


WAITING = [
    waits("1,000 sessions without a request", "idle_sessions", IN_ORDER, SILENCE, waited("request")),
    waits("half a preface", "half_a_preface", "connection closed", HEAD, waited("request")),
    waits("half a header block", "half_a_header_block", CALM, HEAD, waited("head")),
    waits("a header block, byte by byte", "slow_header_block", CALM, HEAD, waited("head")),
    waits("3,000 half-open streams", "half_open_streams", IN_ORDER, BODY, waited("body"), 2, lines=100),
    waits("200 streams with windows of zero", "window_of_zero", IN_ORDER, REPLY, waited("reply"), 3, lines=40),
    waits("windows, byte by byte", "window_drip", IN_ORDER, ("info", "reply"), waited("reply") + slow("reply"), 3, lines=20),
    waits(
        "400 streams and a socket that isn't read",
        "unread_socket",
        "connection closed",
        (*REPLY, "gave the stream up before it had its reply"),
        ('postern_requests_refused_total{cause="client-gone"}',),
        4,
        counts=20,
        lines=21,  # Each stream's, and the connection's own.
        names_port=False,
    ),
]

REFUSALS = ("credentials-wrong", "hash-queue-full", "rate-limited")

HTTP1 = [
    Flood("a connection a millisecond to the TLS port", "http1_connections", ("left",), ("info", "TLS handshake failed"), counters=('postern_tls_handshakes_total{result="failed"}',)),
    Flood(
        "passwords tried on bcrypt from one address",
        "hashing",
        ("401", "503", "429"),
        ("warn", *REFUSALS),
        names_port=False,
        counters=tuple(f'postern_requests_refused_total{{cause="{cause}"}}' for cause in REFUSALS),
    ),
    Flood("heads with 5,000 fields", "many_fields", ("431",), ("info", "too many fields"), counters=('postern_malformed_requests_total{kind="too-many-fields"}',)),
    waits("1,000 connections that say nothing", "idle_connections", "connection closed", LATE, waited("tls-handshake"), 5),
    waits("1,000 connections that say nothing, without TLS", "idle_plain_connections", "connection closed", SILENCE, waited("request"), 5),
    waits("1,000 idle handshakes", "idle_handshakes", "connection closed", LATE, waited("tls-handshake"), 6),
    waits("slow head", "slow_head", "408", HEAD, waited("head"), 3),
    waits("stopped body", "stopped_body", "408", BODY, waited("body"), 3),
    waits("slow body", "slow_body", "408", ("info", "request's body"), waited("body") + slow("body"), 3),
    waits("slow read", "slow_read", "connection closed", REPLY, waited("reply"), 1),
]


SECTIONS = {"HTTP/2": HTTP2 + WAITING, "HTTP/1 and TLS": HTTP1}
FLOODS = [flood for floods in SECTIONS.values() for flood in floods]
