"""The hostile frames, in the order of the document."""

import struct

from .frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PREFACE,
    PRIORITIZED,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    block,
    data,
    field,
    frame,
    get,
    headers,
    integer,
    ping,
    post,
    priority,
    request,
    rst,
    settings,
    window,
)
from .row import Row

REFUSED = "sent a request that is refused: "
RESET = "client's stream was reset: "
ENDS = "HTTP/2 connection of client"
PSEUDO = ("info", REFUSED + "a pseudo-field is missing, unknown, repeated, out of place or malformed")
TARGET = ("info", REFUSED + "the request target isn't a path")
CONNECTION = ("info", REFUSED + "a field of HTTP/1 connections in a message of HTTP/2")
NAME = ("info", REFUSED + "a field's name isn't a token")
CONTROL = ("info", REFUSED + "a control character in the head")
HOST = ("info", REFUSED + "Host isn't a name or address with an optional port")
LENGTH = ("info", REFUSED + "Content-Length isn't a decimal number below 2^63")
VIOLATED = ("warn", "HTTP/2's rules were violated")
SIZE = ("warn", "a frame has a wrong size")
FLOW = ("warn", "flow control was violated")
COMPRESSION = ("warn", "a header block can't be decoded")
CLOSED = ("warn", "a frame came for a closed stream")
TRAILERS = ("info", RESET + "trailers that can't be trailers")
MORE = ("info", RESET + "more body than content-length says")
LESS = ("info", RESET + "less body than content-length says")
FORBIDDEN = ("info", RESET + "a frame that HTTP/2 forbids")
PROTOCOL = "RST_STREAM PROTOCOL_ERROR"
ENDED = "GOAWAY PROTOCOL_ERROR"


def refused(name, fields, log, sees="400", **options):
    """A request whose head is refused."""
    return Row(name, headers(1, fields), sees, log, **options)


def with_field(name, *fields, log, sees="400", **options):
    return refused(name, request("/x", "GET", *fields), log, sees, **options)


PSEUDO_FIELDS = [
    refused("no `:method`", request(method=None), PSEUDO),
    refused("no `:path`", request(None), PSEUDO),
    refused("no `:scheme`", request(scheme=None), PSEUDO),
    refused("no `:authority` and no `host`", request(authority=None), ("info", REFUSED + "a request without Host")),
    refused("no fields at all", [], PSEUDO),
    refused("`:method` twice", [(":method", "GET"), *request()], PSEUDO),
    refused("`:path` twice", [(":path", "/y"), *request()], PSEUDO),
    refused("`:scheme` twice", [(":scheme", "https"), *request()], PSEUDO),
    refused("`:authority` twice", [(":authority", "elsewhere"), *request()], PSEUDO),
    refused("a pseudo-field nobody knows", [(":version", "HTTP/1.1"), *request()], PSEUDO),
    refused("a reply's pseudo-field", [(":status", "200"), *request()], PSEUDO),
    refused("a pseudo-field in upper case", [(":Path", "/y"), *request(None)], PSEUDO),
    refused("a pseudo-field after a field", [("x-a", "1"), *request()], PSEUDO),
    refused("a pseudo-field between fields", request("/x", "GET", ("x-a", "1"), (":path", "/y")), PSEUDO),
    Row(
        "a pseudo-field in the trailers",
        post(1) + data(1, b"abc") + headers(1, [(":path", "/y")]),
        PROTOCOL,
        TRAILERS,
        begins=True,
    ),
    refused("an empty `:method`", request(method=""), PSEUDO),
    refused("an empty `:path`", request(""), PSEUDO),
    refused("an empty `:authority`", request(authority=""), HOST),
    refused("`:scheme` is ftp", request(scheme="ftp"), PSEUDO),
    refused("`:scheme` holds a line", request(scheme="http\r\nx: y"), PSEUDO),
    refused("CONNECT", [(":method", "CONNECT"), (":authority", "localhost:22")], ("info", REFUSED + "CONNECT"), "405"),
    refused("CONNECT with a path", request(method="CONNECT"), ("info", REFUSED + "CONNECT"), "405"),
    refused("`:protocol` without CONNECT", [(":protocol", "websocket"), *request()], PSEUDO),
    refused(
        "`:protocol` twice",
        [(":protocol", "websocket"), (":protocol", "websocket"), *request(method="CONNECT")],
        PSEUDO,
    ),
    refused(
        "CONNECT to a protocol nobody knows",
        [(":protocol", "ip"), *request(method="CONNECT")],
        ("info", REFUSED + "CONNECT to a protocol other than websocket"),
        "501",
    ),
    refused("a WebSocket that ends at once", [(":protocol", "websocket"), *request(method="CONNECT")], PSEUDO),
    refused("TRACE", request(method="TRACE"), ("info", REFUSED + "TRACE"), "405"),
]

DOWNGRADES = [
    refused("a space in `:method`", request(method="GET /admin HTTP/1.1\r\nx:"), ("info", REFUSED + "the method")),
    refused("a line in `:method`", request(method="GET\r\n"), ("info", REFUSED + "the method")),
    refused("a colon in `:method`", request(method="GET:"), ("info", REFUSED + "the method")),
    refused("a space in `:path`", request("/x HTTP/1.1"), TARGET),
    refused("a request in `:path`", request("/x HTTP/1.1\r\nHost: a\r\n\r\nGET /smuggled"), TARGET),
    refused("a NUL in `:path`", request("/x\0y"), TARGET),
    refused("a tab in `:path`", request("/x\ty"), TARGET),
    refused("8 bits in `:path`", request("/\xe4"), TARGET),
    refused("a fragment in `:path`", request("/x#y"), TARGET),
    refused("`:path` without a slash", request("x"), TARGET),
    refused("`:path` of another server", request("http://elsewhere/x"), TARGET),
    refused("`:path` is an authority", request("elsewhere:80"), TARGET),
    refused("`:path` is * for GET", request("*"), TARGET),
    refused("a user in `:authority`", request(authority="user@localhost"), HOST),
    refused("a path in `:authority`", request(authority="localhost/x"), HOST),
    refused("a space in `:authority`", request(authority="local host"), HOST),
    refused("a line in `:authority`", request(authority="localhost\r\nx-a: 1"), HOST),
    refused("a port that isn't one in `:authority`", request(authority="localhost:x"), HOST),
    with_field(
        "`host` against `:authority`", ("host", "elsewhere"), log=("info", REFUSED + "Host differs from the target's")
    ),
    with_field("`host` twice", ("host", "localhost"), ("host", "localhost"), log=("info", REFUSED + "more than one Host")),
    refused(
        "`host` twice without `:authority`",
        request("/x", "GET", ("host", "localhost"), ("host", "elsewhere"), authority=None),
        ("info", REFUSED + "more than one Host"),
    ),
    with_field("a line in a value", ("x-a", "1\r\nx-b: 2"), log=CONTROL),
    with_field("a request in a value", ("x-a", "1\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a"), log=CONTROL),
    with_field("a LF in a value", ("x-a", "1\nx-b: 2"), log=("info", REFUSED + "a line ends in LF without CR")),
    with_field("a CR in a value", ("x-a", "1\rx-b: 2"), log=("info", REFUSED + "a CR that no LF follows")),
    with_field("a NUL in a value", ("x-a", "1\x002"), log=("info", REFUSED + "a NUL byte in the head")),
    with_field("a line in a cookie", ("cookie", "a=1\r\nx-b: 2"), log=CONTROL),
    with_field("a line in a name", ("x-a\r\nx-b", "1"), log=("info", REFUSED + "a field without a colon")),
    with_field("a colon in a name", ("x-a:b", "1"), log=NAME),
    with_field("a whole field in a name", ("transfer-encoding: chunked\r\nx", "1"), log=NAME),
    with_field("a space in a name", ("x a", "1"), log=("info", REFUSED + "white space between a field's name and its colon")),
    with_field("a space after a name", ("content-length ", "5"), log=("info", REFUSED + "white space between a field's name and its colon")),
    with_field("a NUL in a name", ("x\0a", "1"), log=("info", REFUSED + "a NUL byte in the head")),
    with_field("8 bits in a name", ("x-\xe4", "1"), log=NAME),
    with_field("no name", ("", "1"), log=("info", REFUSED + "a field without a name")),
    with_field("upper case in a name", ("X-Up", "1"), log=("info", REFUSED + "a field's name has upper-case letters")),
    with_field("a space before a value", ("x-a", " 1"), log=("info", REFUSED + "white space around a field's value")),
    with_field("a tab after a value", ("x-a", "1\t"), log=("info", REFUSED + "white space around a field's value")),
    with_field("`connection`", ("connection", "close"), log=CONNECTION),
    with_field("`connection` that names a field", ("connection", "x-forwarded-for"), log=CONNECTION),
    with_field("`keep-alive`", ("keep-alive", "timeout=5"), log=CONNECTION),
    with_field("`proxy-connection`", ("proxy-connection", "keep-alive"), log=CONNECTION),
    with_field("`upgrade`", ("upgrade", "h2c"), log=CONNECTION),
    with_field("`te` other than trailers", ("te", "gzip"), log=CONNECTION),
    with_field("`te` with trailers and more", ("te", "trailers, gzip"), log=CONNECTION),
    Row(
        "`transfer-encoding: chunked` and its chunks",
        post(1, "/x", ("transfer-encoding", "chunked"))
        + data(1, b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", END_STREAM),
        "400",
        CONNECTION,
    ),
    Row(
        "`transfer_encoding`, spelt otherwise",
        post(1, "/x", ("transfer_encoding", "chunked")) + data(1, b"0\r\n\r\n", END_STREAM),
        "400",
        CONNECTION,
    ),
    Row(
        "a body that reads like chunks",
        post(1, "/x") + data(1, b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", END_STREAM),
        "200",
        gateway=("POST /x + 0\\r\\n\\r\\nGET /smuggled HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n",),
    ),
    Row(
        "more body than `content-length`",
        post(1, "/x", ("content-length", "5")) + data(1, b"helloGET /smuggled HTTP/1.1\r\n\r\n", END_STREAM),
        PROTOCOL,
        MORE,
        begins=True,
    ),
    Row(
        "more body than `content-length`, in a frame of its own",
        post(1, "/x", ("content-length", "5")) + data(1, b"hello") + data(1, b"GET /smuggled HTTP/1.1\r\n\r\n", END_STREAM),
        PROTOCOL,
        MORE,
        begins=True,
    ),
    Row(
        "less body than `content-length`",
        post(1, "/x", ("content-length", "50")) + data(1, b"hello", END_STREAM),
        PROTOCOL,
        LESS,
        begins=True,
    ),
    Row(
        "a body where `content-length` is 0",
        post(1, "/x", ("content-length", "0")) + data(1, b"GET /smuggled HTTP/1.1\r\n\r\n", END_STREAM),
        PROTOCOL,
        MORE,
        begins=True,
    ),
    Row("`content-length` and no body", headers(1, request("/x", "POST", ("content-length", "5"))), "400", LENGTH),
    with_field(
        "`content-length` twice",
        ("content-length", "0"),
        ("content-length", "0"),
        log=("info", REFUSED + "more than one Content-Length"),
    ),
    with_field("`content-length` is a list", ("content-length", "0, 0"), log=LENGTH),
    with_field("`content-length` with a sign", ("content-length", "+0"), log=LENGTH),
    with_field("`content-length` beyond 64 bits", ("content-length", "18446744073709551616"), log=LENGTH),
    with_field("`content-length` is empty", ("content-length", ""), log=LENGTH),
    *(
        Row(
            f"`{name}` in the trailers",
            post(1) + data(1, b"abc") + headers(1, [(name, value)]),
            PROTOCOL,
            TRAILERS,
            begins=True,
        )
        for name, value in [
            ("content-length", "3"),
            ("transfer-encoding", "chunked"),
            ("host", "elsewhere"),
            ("authorization", "Basic YTpi"),
        ]
    ),
    Row(
        "a line in the trailers",
        post(1) + data(1, b"abc") + headers(1, [("x-a", "1\r\n\r\nGET /smuggled HTTP/1.1\r\n")]),
        PROTOCOL,
        TRAILERS,
        begins=True,
    ),
    Row(
        "trailers that don't end the stream",
        post(1) + data(1, b"abc") + headers(1, [("x-a", "1")], END_HEADERS),
        PROTOCOL,
        TRAILERS,
        begins=True,
    ),
    refused("a `:path` that is too long", request("/" + "x" * 9000), ("info", REFUSED + "the request line is too long"), "414"),
    with_field("a field that is too long", ("x-a", "x" * 9000), log=("info", REFUSED + "a field is too long"), sees="431"),
    Row(
        "too many fields",
        headers(1, request("/x", "GET", *[(f"x-{n}", "1") for n in range(200)])),
        "431",
        ("info", REFUSED + "too many fields"),
    ),
    Row(
        "a head that is too long",
        lambda: frame(HEADERS, END_STREAM, 1, block(request()))
        + b"".join(frame(CONTINUATION, 0, 1, field(f"x-{n}", "x" * 7000)) for n in range(6))
        + frame(CONTINUATION, END_HEADERS, 1),
        "431",
        ("info", REFUSED + "the head is too long"),
    ),
]

FRAMES = [
    Row("DATA on stream 0", data(0, b"x"), ENDED, VIOLATED),
    Row("HEADERS on stream 0", get(0), ENDED, VIOLATED),
    Row("RST_STREAM on stream 0", rst(0), ENDED, VIOLATED),
    Row("PRIORITY on stream 0", priority(0), "nothing"),
    Row("CONTINUATION on stream 0", frame(CONTINUATION, END_HEADERS, 0), ENDED, VIOLATED),
    Row("SETTINGS on a stream", settings(stream=1), ENDED, VIOLATED),
    Row("PING on a stream", frame(PING, 0, 1, bytes(8)), ENDED, VIOLATED),
    Row("GOAWAY on a stream", frame(GOAWAY, 0, 1, bytes(8)), ENDED, VIOLATED),
    Row("DATA on an idle stream", data(1, b"x"), ENDED, VIOLATED),
    Row("RST_STREAM on an idle stream", rst(1), ENDED, VIOLATED),
    Row("WINDOW_UPDATE on an idle stream", window(1, 1), ENDED, VIOLATED),
    Row("HEADERS on an even stream", get(2), ENDED, VIOLATED),
    Row("HEADERS on a stream that was passed over", get(5) + get(3), "200", gateway=("GET /x",)),
    Row("PUSH_PROMISE", frame(PUSH_PROMISE, END_HEADERS, 1, struct.pack(">I", 2) + block(request())), ENDED, VIOLATED),
    Row("DATA after the end of the stream", get(1) + data(1, b"x"), "GOAWAY STREAM_CLOSED", CLOSED, begins=True),
    Row("HEADERS after the end of the stream", get(1) + get(1), "GOAWAY STREAM_CLOSED", CLOSED, begins=True),
    Row("DATA after RST_STREAM", post(1) + rst(1) + data(1, b"x"), "nothing", begins=True),
    Row("HEADERS after RST_STREAM", post(1) + rst(1) + get(1), "nothing", begins=True),
    Row("CONTINUATION without HEADERS", frame(CONTINUATION, END_HEADERS, 1, block(request())), ENDED, VIOLATED),
    Row("CONTINUATION after END_HEADERS", get(1) + frame(CONTINUATION, END_HEADERS, 1), ENDED, VIOLATED, begins=True),
    Row(
        "CONTINUATION of another stream",
        headers(1, request(), END_STREAM) + frame(CONTINUATION, END_HEADERS, 3),
        ENDED,
        VIOLATED,
    ),
    Row("PING within a header block", headers(1, request(), END_STREAM) + ping(), ENDED, VIOLATED),
    Row("DATA within a header block", headers(1, request(), 0) + data(1, b"x"), ENDED, VIOLATED),
    Row("padding of DATA longer than its frame", post(1) + frame(DATA, PADDED, 1, b"\x10abc"), ENDED, VIOLATED, begins=True),
    Row("padding of DATA in an empty frame", post(1) + frame(DATA, PADDED, 1), ENDED, VIOLATED, begins=True),
    Row(
        "padding of HEADERS longer than its frame",
        frame(HEADERS, PADDED | END_HEADERS | END_STREAM, 1, b"\xff" + block(request())),
        ENDED,
        VIOLATED,
    ),
    Row(
        "padding as it should be",
        frame(HEADERS, PADDED | END_HEADERS, 1, b"\x05" + block(request("/x", "POST")) + bytes(5))
        + frame(DATA, PADDED | END_STREAM, 1, b"\x03abc" + bytes(3)),
        "200",
        gateway=("POST /x + abc",),
    ),
    Row("DATA larger than the limit", lambda: post(1) + data(1, bytes(16385)), "GOAWAY FRAME_SIZE_ERROR", SIZE, begins=True),
    Row("HEADERS larger than the limit", lambda: frame(HEADERS, 5, 1, bytes(16385)), "GOAWAY FRAME_SIZE_ERROR", SIZE),
    Row("an unknown frame larger than the limit", lambda: frame(0x42, 0, 0, bytes(16385)), "GOAWAY FRAME_SIZE_ERROR", SIZE),
    Row("a frame of 16 MiB, said", frame(HEADERS, 5, 1, b"", length=(1 << 24) - 1), "GOAWAY FRAME_SIZE_ERROR", SIZE),
    Row("a short PING", frame(PING, 0, 0, bytes(7)), "GOAWAY FRAME_SIZE_ERROR", SIZE),
    Row("a short RST_STREAM", get(1) + frame(RST_STREAM, 0, 1, bytes(3)), "GOAWAY FRAME_SIZE_ERROR", SIZE, begins=True),
    Row("a short WINDOW_UPDATE", frame(WINDOW_UPDATE, 0, 0, bytes(3)), "GOAWAY FRAME_SIZE_ERROR", SIZE),
    Row("a short PRIORITY", frame(PRIORITY, 0, 1, bytes(4)), "GOAWAY FRAME_SIZE_ERROR", SIZE),
    Row("a short GOAWAY", frame(GOAWAY, 0, 0, bytes(7)), "GOAWAY FRAME_SIZE_ERROR", SIZE),
    Row("SETTINGS of five bytes", frame(SETTINGS, 0, 0, bytes(5)), "GOAWAY FRAME_SIZE_ERROR", SIZE),
    Row("an acknowledgement with settings", settings((4, 1), flags=ACK), "GOAWAY FRAME_SIZE_ERROR", SIZE),
    Row("an acknowledgement of nothing", settings(flags=ACK) + settings(flags=ACK) + settings(flags=ACK), ENDED, VIOLATED),
    Row("ENABLE_PUSH of 2", settings((2, 2)), ENDED, VIOLATED),
    Row("a window of 2^31", settings((4, 1 << 31)), "GOAWAY FLOW_CONTROL_ERROR", FLOW),
    Row("MAX_FRAME_SIZE of 100", settings((5, 100)), ENDED, VIOLATED),
    Row("MAX_FRAME_SIZE of 2^24", settings((5, 1 << 24)), ENDED, VIOLATED),
    Row("ENABLE_CONNECT_PROTOCOL of 2", settings((8, 2)), ENDED, VIOLATED),
    Row("a setting nobody knows", settings((0x4242, 7)), "nothing"),
    Row("100 settings in one frame", settings(*[(0x4242, n) for n in range(100)]), "GOAWAY ENHANCE_YOUR_CALM", ("warn", "too much of what costs nothing to send")),
    Row("WINDOW_UPDATE of 0 for a stream", post(1) + window(1, 0), ENDED, VIOLATED, begins=True),
    Row("WINDOW_UPDATE of 0 for the connection", window(0, 0), ENDED, VIOLATED),
    Row("a stream's window beyond 2^31", post(1) + window(1, (1 << 31) - 1), "RST_STREAM FLOW_CONTROL_ERROR", FORBIDDEN, begins=True),
    Row("the connection's window beyond 2^31", window(0, (1 << 31) - 1), "GOAWAY FLOW_CONTROL_ERROR", FLOW),
    Row(
        "a window that SETTINGS push beyond 2^31",
        post(1) + window(1, (1 << 31) - 65536) + settings((4, (1 << 31) - 1)),
        "RST_STREAM FLOW_CONTROL_ERROR",
        begins=True,
    ),
    Row("a stream that depends on itself", priority(1, 1), "nothing"),
    Row(
        "HEADERS that depend on themselves",
        frame(HEADERS, PRIORITIZED | END_STREAM | END_HEADERS, 1, struct.pack(">IB", 1, 1) + block(request())),
        ENDED,
        VIOLATED,
    ),
    Row(
        "a frame nobody knows",
        frame(0x42, 0xFF, 1, b"whatever") + frame(0xFF, 0, 0, b""),
        "nothing",
    ),
]

TABLE_BOMB = field("x", "y" * 4000, 0x40)

COMPRESSED = [
    Row("index 0", headers(1, b"\x80"), "GOAWAY COMPRESSION_ERROR", COMPRESSION),
    Row("an index beyond the tables", headers(1, integer(200, 7, 0x80)), "GOAWAY COMPRESSION_ERROR", COMPRESSION),
    Row("an index of 2^40", headers(1, integer(1 << 40, 7, 0x80)), "GOAWAY COMPRESSION_ERROR", COMPRESSION),
    Row("a number without end", headers(1, b"\xff" + b"\x80" * 100 + b"\x01"), "GOAWAY COMPRESSION_ERROR", COMPRESSION),
    Row("a block that ends in a field", headers(1, b"\x00\x05he"), "GOAWAY COMPRESSION_ERROR", COMPRESSION),
    Row("a length of 4 GiB, said", headers(1, b"\x00" + integer(1 << 32, 7)), "GOAWAY COMPRESSION_ERROR", COMPRESSION),
    Row("Huffman's end of string", headers(1, b"\x00\x84\xff\xff\xff\xff\x00"), "GOAWAY COMPRESSION_ERROR", COMPRESSION),
    Row("Huffman padded with zeros", headers(1, b"\x00\x81\x18\x00"), "GOAWAY COMPRESSION_ERROR", COMPRESSION),
    Row("a table larger than allowed", headers(1, integer(1 << 20, 5, 0x20)), "GOAWAY COMPRESSION_ERROR", COMPRESSION),
    Row(
        "a table's size within a block",
        headers(1, block(request()) + integer(100, 5, 0x20)),
        "GOAWAY COMPRESSION_ERROR",
        COMPRESSION,
    ),
    Row(
        "a table's size, 4,000 times",
        lambda: headers(1, integer(0, 5, 0x20) * 4000 + block(request())),
        "200",
        gateway=("GET /x",),
    ),
    Row(
        "one entry of 4,000 bytes, repeated 12,000 times",
        lambda: headers(1, block(request()) + TABLE_BOMB + integer(62, 7, 0x80) * 12000),
        "GOAWAY ENHANCE_YOUR_CALM",
        ("warn", "a header block far beyond the largest head"),
    ),
    Row(
        "an empty field, repeated 12,000 times",
        lambda: headers(1, block(request()) + field("x", "", 0x40) + integer(62, 7, 0x80) * 12000),
        "GOAWAY ENHANCE_YOUR_CALM",
        ("warn", "a header block far beyond the largest head"),
    ),
    Row(
        "a cookie in 12,000 crumbs",
        lambda: headers(1, block(request()) + field("cookie", "", 0x40) + integer(62, 7, 0x80) * 12000),
        "GOAWAY ENHANCE_YOUR_CALM",
        ("warn", "a header block far beyond the largest head"),
    ),
    Row(
        "a cookie in 1,000 crumbs",
        lambda: headers(1, block(request()) + field("cookie", "a=1", 0x40) + integer(62, 7, 0x80) * 999),
        "431",
        ("info", REFUSED + "too many fields"),
    ),
]

BEGINNINGS = [
    Row("a request of HTTP/1 after ALPN h2", b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n", ENDED, ("warn", "the connection doesn't start with HTTP/2's preface"), preface=None, port="tls"),
    Row("garbage after ALPN h2", bytes(64), ENDED, ("warn", "the connection doesn't start with HTTP/2's preface"), preface=None, port="tls"),
    Row("half a preface and garbage", PREFACE[:-4] + b"XX\r\n\r\n" + settings(), "connection closed", ("info", REFUSED + "the version of HTTP isn't 1"), preface=None),
    Row("half a preface and garbage after ALPN h2", PREFACE[:-4] + b"XX\r\n\r\n" + settings(), ENDED, ("warn", "the connection doesn't start with HTTP/2's preface"), preface=None, port="tls"),
    Row("no SETTINGS after the preface", get(1), ENDED, VIOLATED, preface=PREFACE),
    Row("an acknowledgement in the place of SETTINGS", settings(flags=ACK), ENDED, VIOLATED, preface=PREFACE),
    Row("the preface twice", PREFACE, "GOAWAY FRAME_SIZE_ERROR", SIZE),
    Row("the preface where HTTP/2 isn't spoken", settings(), "connection closed", ("info", REFUSED + "the version of HTTP isn't 1"), preface=PREFACE, port="plain"),
    Row("a request, and GOAWAY after it", get(1) + frame(GOAWAY, 0, 0, bytes(8)), "200, connection closed", gateway=("GET /x",)),
    Row("GOAWAY, and a request after it", frame(GOAWAY, 0, 0, bytes(8)) + get(1), "connection closed"),
]

SECTIONS = {
    "Pseudo-fields": PSEUDO_FIELDS,
    "Downgrade to HTTP/1.1": DOWNGRADES,
    "Frames": FRAMES,
    "Compression": COMPRESSED,
    "The beginning of a connection": BEGINNINGS,
}
ROWS = [row for rows in SECTIONS.values() for row in rows]
