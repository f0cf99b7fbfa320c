"""Variables and log formats: what stands in the access log's lines of both, in requests upstream and in replies."""

from ..case import Case, File, Step, basic, request, stays_chunked, upstream_said

HOST = "variables.test"


def ask(name, target, fields=(), host=HOST, port="plain", **options):
    return Case(name, [request(target, fields, host=host, **options)], port=port)


ALL = [
    ("User-Agent", "agent/1 (x)"),
    ("Referer", "http://r/"),
    ("Cookie", "one=1; two=2"),
    ("X-Word", "a word"),
    ("X-Forwarded-For", "9.9.9.9"),
    ("Content-Type", "text/plain"),
]
WORDS = {
    "quotes": "a\"b'c",
    "a backslash": "a\\b",
    "a tab": "a\tb",
    "8 bits": "\u00fc",
    "a percent": "a%b",
    "nothing": "",
}

CASES = [
    ask("nothing but a path", "/"),
    ask("everything", "/v/a%20b?a=1&b=%20&m=a", ALL),
    ask("everything by POST", "/v?a=1", ALL, method="POST", body=b"12345"),
    ask("everything by POST in chunks", "/v?a=1", ALL, method="POST", chunks=[b"12345"]),
    ask("an empty query", "/v?"),
    ask("a query of an empty value", "/v?a=&b"),
    ask("a name twice", "/v?a=1&a=2"),
    ask("a name in capitals", "/v?A=1"),
    ask("a name inside another", "/v?ba=1&a=2"),
    ask("a name behind a question mark", "/v?x?a=1"),
    ask("cookies without spaces", "/v", [("Cookie", "one=1;two=2")]),
    ask("cookies in two fields", "/v", [("Cookie", "one=1"), ("Cookie", "two=2")]),
    ask("a cookie's name in capitals", "/v", [("Cookie", "ONE=1")]),
    ask("a cookie's name inside another", "/v", [("Cookie", "xone=0; one=1")]),
    ask("a cookie with quotes", "/v", [("Cookie", 'one="a b"')]),
    ask("a cookie without a value", "/v", [("Cookie", "one; two=")]),
    ask("a field twice", "/v", [("X-Word", "a"), ("X-Word", "b")]),
    ask("a host in capitals with a port", "/v", host="VARIABLES.test:81"),
    ask("a host with a dot", "/v", host="variables.test."),
    ask("another host", "/v", host="other.test"),
    ask("the second name", "/v", host="second.test"),
    ask("the absolute form", f"http://{HOST}/v?a=1"),
    ask("an encoded path", "/v/%41%2F%C3%BC"),
    ask("dots", "/v/../w/./x"),
    ask("HTTP/1.0", "/v", version="HTTP/1.0"),
    ask("HTTP/1.0 without a Host", "/v", host=None, version="HTTP/1.0"),
    Case(
        "three on one connection", [request("/v/1", host=HOST), request("/v/2", host=HOST), request("/v/3", host=HOST)]
    ),
    Case(
        "two in one write",
        [Step(b"GET /v/1 HTTP/1.1\r\nHost: a\r\n\r\nGET /v/2 HTTP/1.1\r\nHost: a\r\n\r\n", replies=2)],
    ),
    ask("a login", "/login/x", [basic("alice", "password")]),
    ask("a wrong login", "/login/x", [basic("alice", "wrong")]),
    ask("a login that nobody asked for", "/v", [basic("bob", "x")]),
    *(
        ask(f"reply: {reply}", "/reply/x", [upstream_said(reply)])
        for reply in (
            "ok",
            "empty",
            "chunked",
            "204",
            "304",
            "404",
            "fields",
            "location-other",
            "nothing",
            "until-close",
        )
    ),
    ask("reply: HEAD", "/reply/x", [upstream_said("head")], method="HEAD"),
    Case("reply: the second server", [request("/failing/x", host=HOST)] * 2),
    ask("reply: a return", "/returned/x"),
    *(
        ask(f"sent: {reply}", "/sent/x", [upstream_said(reply)])
        for reply in (
            "ok",
            "empty",
            "chunked",
            "204",
            "304",
            "404",
            "fields",
            "location-other",
            "location-relative",
            "until-close",
            "nothing",
        )
    ),
    ask("sent: HEAD", "/sent/x", [upstream_said("head")], method="HEAD"),
    ask("sent: HTTP/1.0", "/sent/x", version="HTTP/1.0"),
    ask("sent: HTTP/1.0, chunked", "/sent/x", [upstream_said("chunked")], version="HTTP/1.0"),
    ask("sent: HTTP/1.0, kept", "/sent/x", [("Connection", "keep-alive")], version="HTTP/1.0"),
    ask("sent: the last request", "/sent/x", [("Connection", "close")]),
    *(
        ask(f"sent: {name}", f"/sent/{name}", [*fields])
        for name, fields in (
            ("rules/x", [upstream_said("fields"), ("X-Word", "Tue, 02 Jan 2024 00:00:00 GMT")]),
            ("rules/empty", [upstream_said("fields")]),
            ("rules/404", [upstream_said("404")]),
            ("passed/x", [upstream_said("fields")]),
            ("passed/none", []),
            ("text", []),
            ("no-content", []),
            ("elsewhere", []),
            ("login", []),
            ("forbidden", []),
            ("connection", []),
        )
    ),
    ask(
        "sent: an upgrade",
        "/sent/upgrade",
        [
            ("Connection", "upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Sec-WebSocket-Version", "13"),
            upstream_said("101"),
        ],
    ),
    *(ask(f"default escape: {name}", "/escapes/x", [("X-Word", word)]) for name, word in WORDS.items()),
    ask("default escape: encoded", "/escapes/%22%0a%7f?a=%22"),
    *(ask(f"json escape: {name}", "/json/x", [("X-Word", word)]) for name, word in WORDS.items()),
    ask("json escape: encoded", "/json/%22%0a%7f"),
    *(ask(f"no escape: {name}", "/none/x", [("X-Word", word)]) for name, word in WORDS.items()),
    ask("access_log off", "/off/x"),
    ask("access_log if=1", "/when/x?log=1"),
    ask("access_log if=0", "/when/x?log=0"),
    ask("access_log if= nothing", "/when/x"),
    ask("two logs", "/twice/x", [("X-Word", "w")]),
    ask("TLS", "/v", port="tls"),
]

DIFFERS = {
    "bodies-stream": {
        "everything by POST in chunks": stays_chunked("12345") | {"log": ("content_length=5", "content_length=")},
    },
    "repeated-fields": {"a field twice": {"log": ("http_x_word=a", "http_x_word=a, b")}},
    "pipe": {"two in one write": {"log": (..., ...)}},
    "remote-user": {
        "a wrong login": {"log": ("remote_user=alice", "remote_user=")},
        "a login that nobody asked for": {"log": ("remote_user=bob", "remote_user=")},
    },
    "proxy-host": {"a wrong login": {"log": (("proxy_host=", "proxy_port="), ("proxy_host=gateway", "proxy_port=80"))}},
    "chunk-lengths": {
        "reply: chunked": {"log": ("body_bytes_sent=17", "body_bytes_sent=7")},
        "everything by POST in chunks": {"log": ("request_length=", "request_length=")},
        "reply: until-close": {"log": ("body_bytes_sent=20", "body_bytes_sent=10")},
    },
    "sent-connection": {"sent: connection": {"log": ("connection=close", "connection=keep-alive")}},
    "json-escapes": {
        "json escape: a tab": {"log": ("a\\tb", "a\\u0009b")},
        "json escape: encoded": {"log": ("\\n\x7f", "\\u000a\\u007f")},
    },
    "no-escape": {"no escape: a tab": {"log": ("a\tb", "a\\x09b")}},
}

FILE = File(
    "variables",
    "variables and log_format, escapes, access_log if= and off: the lines of both logs",
    CASES,
    probe=b"GET /probe HTTP/1.1\r\nHost: variables.test\r\nConnection: close\r\n\r\n",
    files={"htpasswd": "alice:{PLAIN}password\n"},
    differs=DIFFERS,
)
