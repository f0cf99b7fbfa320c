"""Where Postern differs from Nginx although the file is the same, and why. The one place for it.

The files' tables name these rows by id, and so say which cases show them; docs/nginx.md is written from them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    id: str
    what: str
    nginx: str
    postern: str
    why: str


DIFFERENCES = [
    # Refused
    Difference(
        "request-framing",
        "a space, a bare LF or the like behind a chunk's size",
        "taken",
        "400",
        "parsers read it differently: where the next request begins would be anyone's guess",
    ),
    Difference(
        "reply-framing",
        "a gateway's reply with two lengths, one that is no number, a length beside chunks, bare LFs, or no HTTP at all",
        "passed on, as far as it can be read",
        "502",
        "the same the other way: a client behind another proxy might read another reply",
    ),
    Difference(
        "request-line",
        "two spaces in the request line, or one behind the version",
        "taken",
        "400",
        "RFC 9112 allows one space; whatever reads it otherwise sees another target",
    ),
    Difference(
        "malformed-fields",
        "a control character in a value; a name that is no token; a line without a colon",
        "passed on; dropped; passed on as an empty field",
        "400",
        "a field that is dropped or repaired here may count elsewhere",
    ),
    Difference(
        "hosts",
        "`user@` in Host, or a port that is none",
        "taken, and passed on",
        "400",
        "neither is a host; a gateway that checks origins by it should not see it",
    ),
    Difference(
        "targets",
        "8-bit bytes and `#` in the target",
        "taken",
        "400",
        "RFC 3986 has neither in a request; gateways end the path at one, and decode the other each in its own way",
    ),
    Difference(
        "absolute-form",
        "`GET http://a/` beside another Host; a scheme other than http and https",
        "the target counts, Host is passed on as it came",
        "400",
        "the file's rules would be those of one host, the gateway's those of another",
    ),
    Difference(
        "nominated-framing",
        "`Connection: host` or another field that frames the message",
        "has no effect",
        "400",
        "whoever takes it at its word loses the field",
    ),
    Difference(
        "http-0.9",
        "HTTP/0.9",
        "answered, without a head",
        "400",
        "no client of this century speaks it; what comes without a head can't be told from a reply",
    ),
    # Read otherwise
    Difference(
        "methods",
        "methods with digits or small letters",
        "400",
        "passed on",
        "RFC 9110 lets a method be any token; no rule of the file depends on it",
    ),
    Difference("connect", "CONNECT", "400", "405", "it can be read, and is not offered"),
    Difference("options-star", "`OPTIONS *`", "400", "404", "it can be read, and there is nothing at `*`"),
    Difference(
        "unknown-coding",
        "a last transfer coding other than chunked",
        "501",
        "400",
        "RFC 9112: nobody knows where such a body ends",
    ),
    Difference(
        "large-fields",
        "a field or head that is too large",
        "400",
        "431",
        "RFC 6585 has a status for it, so that the client learns what to do",
    ),
    Difference(
        "http-1.2",
        "HTTP/1.2 in the log",
        "as it came",
        "HTTP/1.1",
        "it is answered as that",
    ),
    Difference(
        "expect",
        "`Expect: 100-continue` without a body",
        "100 first",
        "no 100",
        "there is nothing to wait for (RFC 9110, 10.1.1)",
    ),
    # Passed on otherwise
    Difference(
        "bodies-stream",
        "a chunked request",
        "collected, and sent with a length, when all of it has come",
        "stays chunked, trailers included",
        "bodies are never collected; the gateway can begin at the first byte",
    ),
    Difference(
        "upstream-http",
        "what the gateway is spoken to when the file doesn't say",
        "HTTP/1.0, a new connection for each request",
        "HTTP/1.1, connections kept",
        "chunks, WebSockets and server-sent events need it; `proxy_http_version 1.0` still does what it says",
    ),
    Difference(
        "nominated",
        "fields that `Connection` names, in requests and replies; `Proxy-Connection`",
        "passed on",
        "end here",
        "RFC 9110, 7.6.1",
    ),
    Difference(
        "upgrade-field",
        "`Upgrade` in a reply other than 101",
        "passed on, without its Connection",
        "ends here",
        "without `Connection: upgrade` it means nothing",
    ),
    Difference(
        "odd-names",
        "field names with odd characters that a token may have (`X!A`)",
        "dropped",
        "passed on",
        "they are legal; those that alias a field of the file's are dropped",
    ),
    Difference("white-space", "a tab between colon and value", "passed on", "dropped", "it is no part of the value"),
    Difference(
        "reason",
        "words behind a status",
        "the gateway's",
        "RFC 9110's",
        "no client acts on them, and they are one thing less that passes unread",
    ),
    Difference("trailers", "trailers of a reply", "dropped", "passed on", "gRPC-like and signed replies need them"),
    Difference(
        "interim",
        "an interim reply (103) of the gateway's",
        "taken for the final one; the client waits in vain",
        "passed on, and the final one after it",
        "RFC 9110, 15.2",
    ),
]
