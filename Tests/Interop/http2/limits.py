"""The limits that clients are held to, as a table: each with its directive, and what who passes it gets, over both protocols."""

from collections.abc import Callable
from dataclasses import dataclass

from harness.client import head

from . import frames as h2
from .ways import (
    ask,
    between_requests,
    between_streams,
    chunked,
    connections,
    continued,
    crowd,
    crowd_of_sessions,
    dripping,
    dripping_frames,
    fields_of,
    guarded,
    HALF,
    in_a_row,
    line_of,
    misdirected,
    misdirected_stream,
    mixed,
    on_one_connection,
    once,
    once_a_stream,
    posted,
    reading,
    reading_frames,
    relayed,
    relayed_frames,
    requests,
    sessions,
    sized,
    slow_frames,
    slowly,
    stream,
    streams,
    streams_in_a_row,
    streams_of_one_connection,
    TAKES,
    WHOLE,
    with_field,
)

#: What stands for an answer where a protocol has no such limit.
NONE = "–"


@dataclass(frozen=True)
class Limit:
    """`one` and `two` are the ways to it over HTTP/1 and HTTP/2: from a server and an amount to words."""

    name: str
    #: What sets it, as docs/configuration.md has it; none for what always holds.
    directive: str
    one: Callable | None
    two: Callable | None
    #: What comes of passing it, over HTTP/1 and HTTP/2; a pair where an Nginx file and a native one differ.
    answers: tuple
    #: Lines of both dialects, or of each.
    lines: str | tuple[str, str] = ""
    #: What is within what the lines set, and what is beyond.
    amounts: tuple = ()
    #: What comes of staying within.
    good: tuple[str, str] = ("200", "200")
    #: The same two amounts for what holds when no line sets anything.
    default_amounts: tuple = ()

    def __str__(self):
        return self.name.replace(",", "").replace("'", "").replace(" ", "-")


#: Behind another handshake than the one that was made.
STRICT = "server { listen {tls} ssl http2; server_name strict.test; ssl_reject_handshake on; return 204; }"
#: Asks for certificates of an authority that has issued none: it is a server's own.
GUARDED = (
    "server { listen {tls} ssl http2; server_name guarded.test; ssl_certificate {certificate}; ssl_certificate_key {key};"
    " ssl_verify_client on; ssl_client_certificate {certificate}; return 204; }"
)
#: Where 127.0.0.9 may name clients.
BALANCED = "listen {proxied} http2 proxy_protocol; set_real_ip_from 127.0.0.9; real_ip_header proxy_protocol;"

BUFFERS = "large_client_header_buffers 2 1k;"
OFTEN = ("503", "429")
SHORT = (0.2, 2.5)
TIMED = "client_header_timeout 1s; client_body_timeout 1s; keepalive_timeout 1s; send_timeout 1s;"
CALM = "GOAWAY ENHANCE_YOUR_CALM"


LIMITS = [
    Limit(
        "request line, the URI in it",
        "large_client_header_buffers",
        lambda server, size: ask(server, line_of(size)),
        lambda server, size: stream(server, h2.get(1, "/" + "x" * (size - len("GET / HTTP/1.1\r\n")))),
        ("414", "414"),
        BUFFERS,
        (1000, 1100),
        default_amounts=(8100, 8300),
    ),
    Limit(
        "one field",
        "large_client_header_buffers",
        lambda server, size: ask(server, with_field(size)),
        lambda server, size: stream(server, h2.get(1, "/", ("x-a", "x" * (size - len("x-a: \r\n"))))),
        ("431", "431"),
        BUFFERS,
        (1000, 1100),
        default_amounts=(8100, 8300),
    ),
    Limit(
        "all fields",
        "large_client_header_buffers",
        lambda server, size: ask(server, head("GET", "/", fields_of(size), host="localhost")),
        lambda server, size: stream(server, continued(1, h2.block(h2.request("/", "GET", *fields_of(size))))),
        ("431", "431"),
        BUFFERS,
        (1500, 2200),
        default_amounts=(28_000, 35_000),
    ),
    Limit(
        "number of fields",
        "max_headers",
        lambda server, count: ask(server, head("GET", "/", [(f"x-{n}", "") for n in range(count - 1)], host="localhost")),
        lambda server, count: stream(server, h2.get(1, "/", *mixed(count))),
        ("431", "431"),
        "max_headers 10;",
        (10, 11),
        default_amounts=(100, 101),
    ),
    Limit(
        "number of fields, crumbs of a cookie",
        "max_headers",
        None,
        lambda server, count: stream(server, h2.get(1, "/", *[("cookie", f"a{n}=1") for n in range(count)])),
        (NONE, "431"),
        "max_headers 10;",
        (10, 11),
        default_amounts=(100, 101),
    ),
    Limit(
        "body, its length told",
        "client_max_body_size",
        sized,
        lambda server, size: posted(server, size, told=True),
        ("413", "413"),
        "client_max_body_size 1k;",
        (1024, 1025),
    ),
    Limit(
        "body, its length not told",
        "client_max_body_size",
        chunked,
        lambda server, size: posted(server, size, told=False),
        ("413", "413"),
        "client_max_body_size 1k;",
        (1024, 1025),
    ),
    Limit(
        "wait for a request's head",
        "client_header_timeout",
        slowly(HALF, b"alhost\r\n\r\n"),
        slow_frames(h2.headers(1, h2.request("/"), h2.END_STREAM), h2.frame(h2.CONTINUATION, h2.END_HEADERS, 1)),
        ("408", CALM),
        TIMED,
        SHORT,
    ),
    Limit(
        "wait for the first request",
        "client_header_timeout",
        slowly(b"", WHOLE),
        slow_frames(b"", h2.get(1, "/")),
        ("connection closed", "GOAWAY NO_ERROR"),
        TIMED,
        SHORT,
    ),
    Limit(
        "wait for the next request",
        "keepalive_timeout",
        between_requests,
        between_streams,
        ("connection closed", "GOAWAY NO_ERROR"),
        TIMED,
        SHORT,
    ),
    Limit(
        "wait for more of a body",
        "client_body_timeout",
        slowly(TAKES, b"cd"),
        slow_frames(h2.post(1, "/drained", ("content-length", "4")) + h2.data(1, b"ab"), h2.data(1, b"cd", h2.END_STREAM)),
        ("408", "408"),
        TIMED,
        SHORT,
    ),
    Limit(
        "rate of a body",
        "client_min_rate",
        dripping,
        dripping_frames,
        ("408", "408"),
        "client_min_rate 1k/s over=1s;",
        (4000, 100),
    ),
    Limit(
        "wait for a reply to be read",
        "send_timeout",
        reading,
        reading_frames,
        ("connection closed", "RST_STREAM INTERNAL_ERROR"),
        TIMED + "send_min_rate off;",
        (10_000_000, 0),
    ),
    Limit(
        "rate at which a reply is read",
        "send_min_rate",
        reading,
        reading_frames,
        ("connection closed", "RST_STREAM INTERNAL_ERROR"),
        "send_min_rate 20k/s over=1s;",
        (10_000_000, 1000),
    ),
    Limit(
        "connections of an address",
        "client_max_connections",
        connections,
        sessions,
        ("connection closed", "connection closed"),
        "client_max_connections 5 per=ip;",
        (5, 6),
    ),
    Limit(
        "connections in all, of an event loop",
        "worker_connections",
        crowd,
        crowd_of_sessions,
        ("waits, then 204", "waits, then 204"),
        ("worker_connections 20;", "worker_connections 20;"),
        (10, 24),
        good=("204", "204"),
    ),
    Limit(
        "requests at once of an address",
        "limit_conn",
        requests,
        streams,
        (OFTEN, OFTEN),
        ("limit_conn addresses 3;", "limit_conn 3 per=ip;"),
        (3, 4),
    ),
    Limit(
        "requests at once in all",
        "limit_conn",
        requests,
        streams,
        (OFTEN, OFTEN),
        ("limit_conn servers 3;", "limit_conn 3 per=server;"),
        (3, 4),
    ),
    Limit(
        "requests of an address in a time",
        "limit_req",
        in_a_row,
        streams_in_a_row,
        (OFTEN, OFTEN),
        ("limit_req zone=pace burst=3 nodelay;", "limit_req rate=1r/m burst=3 nodelay per=ip;"),
        (4, 5),
    ),
    Limit(
        "streams of a connection",
        "http2_max_concurrent_streams",
        None,
        streams,
        (NONE, "RST_STREAM REFUSED_STREAM"),
        "http2_max_concurrent_streams 5;",
        (5, 6),
        default_amounts=(128, 129),
    ),
    Limit(
        "requests of a connection",
        "keepalive_requests",
        on_one_connection,
        streams_of_one_connection,
        ("204, and closes", "204, GOAWAY NO_ERROR"),
        "keepalive_requests 5;",
        (4, 5),
        good=("204", "204"),
        default_amounts=(999, 1000),
    ),
    Limit(
        "a request that can't be read",
        "",
        once(b"GET / HTTP/1.1\r\n\r\n"),
        once_a_stream(h2.headers(1, [(":method", "GET"), (":scheme", "http"), (":path", "/")])),
        ("400", "400"),
    ),
    Limit(
        "an expectation that isn't known",
        "",
        once(b"GET / HTTP/1.1\r\nHost: localhost\r\nExpect: a-miracle\r\n\r\n"),
        once_a_stream(h2.get(1, "/", ("expect", "a-miracle"))),
        ("417", "417"),
    ),
    Limit("a host behind another handshake", "", misdirected, misdirected_stream, ("421", "421")),
    Limit("a certificate that isn't shown", "ssl_verify_client", *guarded(shows=False), ("400", "400")),
    Limit("a certificate that nobody trusted has issued", "ssl_verify_client", *guarded(shows=True), ("400", "400")),
    Limit(
        "a client that somebody names by the PROXY protocol",
        "set_real_ip_from",
        relayed,
        relayed_frames,
        (("200, and isn't believed", "connection closed"), ("200, and isn't believed", "connection closed")),
        amounts=("127.0.0.9", "127.0.0.1"),
    ),
    Limit(
        "a coding or protocol that isn't known",
        "",
        once(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        once_a_stream(h2.headers(1, [*h2.request("/", "CONNECT"), (":protocol", "connect-udp")], h2.END_HEADERS)),
        ("501", "501"),
    ),
    Limit(
        "a version that isn't known",
        "",
        once(b"GET / HTTP/3.0\r\nHost: localhost\r\n\r\n"),
        None,
        ("505", NONE),
    ),
]
