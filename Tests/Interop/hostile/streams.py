"""What rows over HTTP/2 are made of."""

from .case import Counterpart, Outcome, Stream

OF_A_CONNECTION = "a field of HTTP/1 connections in a message of HTTP/2"
PSEUDO = "a pseudo-field is missing, unknown, repeated, out of place or malformed"
CONTROL = "a control character in the head"
AROUND = "white space around a field's value"
NOT_TRAILERS = "trailers that can't be trailers"
MORE = "more body than content-length says"
RESET = ("RST_STREAM PROTOCOL_ERROR",)


def stream(*fields, method="POST", path="/open/x", authority="localhost", **options):
    """One request with these fields; None leaves a field of its line out."""
    line = ((":method", method), (":scheme", "{scheme}"), (":path", path), (":authority", authority))
    return Stream(tuple((name, value) for name, value in line if value is not None) + fields, **options)


def get(*fields, method="GET", **options):
    return stream(*fields, method=method, **options)


def lines(data):
    """The fields of HTTP/1's lines as HTTP/2 has them: names in lower case, and values with whatever is in them."""
    fields = []
    for line in data.removesuffix(b"\r\n").decode("latin-1").split("\r\n"):
        if line[:1] in (" ", "\t"):
            name, value = fields.pop()
            fields.append((name, f"{value}\r\n{line}"))
        else:
            name, _, value = line.partition(":")
            fields.append((name.lower(), value.removeprefix(" ")))
    return tuple(fields)


def refuses(log, *streams, status=400, means=""):
    """The head is refused, the rest of the stream is nobody's, and the connection goes on."""
    return Counterpart(Outcome((status,), log=log), streams, means=means)


def resets(log, *streams, means=""):
    """The stream is reset: at most its beginning went up."""
    return Counterpart(Outcome(RESET, begins=True, log=log), streams, means=means)


def passes(forwarded, *streams, answers=None, means=""):
    return Counterpart(Outcome(answers or (200,) * len(forwarded), gateway=tuple(forwarded)), streams, means=means)
