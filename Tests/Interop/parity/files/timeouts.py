"""Waits: for a reply, a head, a body, the next request; and how many requests a connection may have."""

from ..case import Case, File, Step, request, upstream_said

CASES = [
    Case("a gateway that is silent", [request("/", [upstream_said("silent")])]),
    Case("a gateway that is silent to a POST", [request("/", [upstream_said("silent")], method="POST", body=b"x")]),
    Case("a gateway that is silent to a HEAD", [request("/", [upstream_said("silent")], method="HEAD")]),
    Case("half a head", [Step(b"GET / HTTP/1.1\r\nHost: a\r\n")]),
    Case("half a request line", [Step(b"GET /")]),
    Case("half a body", [Step(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf", "POST")]),
    Case("half a chunk", [Step(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhalf", "POST")]),
    Case(
        "half a body that is streamed",
        [Step(b"POST /streamed/ HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf", "POST")],
    ),
    Case("nothing at all", [Step(b"")]),
    Case("two requests where two may come", [request("/")] * 2, port="second"),
    Case("one request where two may come", [request("/")], port="second"),
    Case("no keep-alive", [request("/")], port="third"),
    Case("no keep-alive, HTTP/1.0", [request("/", [("Connection", "keep-alive")], version="HTTP/1.0")], port="third"),
]

DIFFERS = {
    "late-requests": {
        "half a head": {"status": (None, 408)},
        "half a request line": {"status": (None, 408)},
        "half a body": {"status": (None, 408)},
        "half a chunk": {"status": (None, 408)},
        "half a body that is streamed": {"status": (None, 408)},
    },
}

FILE = File(
    "timeouts",
    "waits that are over, and connections that have had their requests",
    CASES,
    listeners=["second", "third"],
    differs=DIFFERS,
)
