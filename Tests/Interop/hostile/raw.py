"""What rows of raw bytes are made of."""

from .case import Case, Forwarded, Outcome, Raw

HOST = b"Host: localhost\r\n"
#: Behind everything that is refused stands a request of its own: nobody may take it for one.
NEXT = b"GET /open/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"

#: What carries the bytes of HTTP/1, and what carries frames.
PIECES = ("http/1", "http/1 in pieces")
HTTP2 = ("http/2", "h2c", "h2c in pieces")

HELLO = Forwarded("POST", body=b"hello")
GET = Forwarded()
SMUGGLED = Forwarded(target="/open/smuggled")

FOLD = "a field continues on a second line"
METHOD = "the method isn't a token of at most 32 bytes"


def adder(rows):
    """A function that adds rows to `rows`."""

    def add(name, means, data, outcome, nginx=None, carriers=PIECES, http2=None, http2_carriers=HTTP2):
        if http2:
            carriers += http2_carriers
        sent = Raw(data) if isinstance(data, bytes) else data
        rows.append(Case(name, means, sent, outcome, nginx, carriers=carriers, http2=http2))

    return add


def refused(log, status=400, begins=False):
    return Outcome((status,), ends=True, begins=begins, log=log)


def passed(*requests, answers=None, ends=False):
    return Outcome(answers or (200,) * len(requests), ends=ends, gateway=requests)


def post(fields, body=b"", version=b"1.1", target=b"/open/x"):
    return b"POST " + target + b" HTTP/" + version + b"\r\n" + HOST + fields + b"\r\n" + body
