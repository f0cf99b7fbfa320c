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
        "a gateway's reply with two lengths, one that is no number, a length beside chunks, bare LFs, or no HTTP",
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
    Difference(
        "unknown-expectation",
        "`Expect` with something other than `100-continue`",
        "taken, and kept from the gateway",
        "417",
        "nobody is left to believe that it was met (RFC 9110, 10.1.1)",
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
    Difference(
        "one-path",
        "a path that could mean another location's: dot segments, `..%2f`, `..;`, encoded slashes, backslashes, `//`, "
        "double encodings",
        "decided on the path as Nginx normalises it, and passed on as it came",
        "400 where the two could match locations with different rules",
        "the gateway may normalise otherwise: `/public/..%2fprivate/x` would pass by the rules of `/public/`",
    ),
    Difference(
        "header-injection",
        "`$uri` with an encoded line end in a `return`'s URL",
        "ends the Location field and begins another",
        "stays encoded",
        "whoever makes the link could set cookies",
    ),
    # Logins
    Difference(
        "remote-user",
        "`$remote_user`",
        "what the client claims, right or wrong, and where no login is asked for",
        "who has proved it",
        "a gateway or a log that reads it believes it",
    ),
    Difference("realm", "quotes in a realm", "break the field", "escaped", "RFC 9110, 5.6.4"),
    Difference(
        "base64", "Basic credentials without base64's padding", "taken", "401", "one credential has one spelling"
    ),
    Difference(
        "expect-refused",
        "a refusal while a client waits for 100",
        "the connection stays, what comes next is taken for the body",
        "the connection closes",
        "a client that doesn't send the body would have its next request swallowed",
    ),
    # The proxy's own replies
    Difference(
        "limit-fields",
        "a limited client",
        "503 and no more",
        "503 (or `limit_req_status`) with `Retry-After`, `RateLimit` and `RateLimit-Policy`",
        "it is told when to come back",
    ),
    Difference(
        "relative-redirects",
        "a redirect to a path",
        "made absolute, with the scheme, name and port that Nginx has",
        "sent as it is written",
        "behind a mapped port or another proxy the absolute one is wrong, and RFC 9110 wants none",
    ),
    Difference(
        "error-fields",
        "`return` with a text and an error's status",
        "the text",
        "the text, `Cache-Control: no-store` and, but for 404, `X-Request-ID`",
        "as all errors of Postern's own",
    ),
    Difference(
        "pages",
        "statuses that Nginx has no page for (418)",
        "an empty body",
        "a page as for any other",
        "the client is told",
    ),
    Difference(
        "errors-keep",
        "`return 400`, `return 500`; 400 for a repeated Authorization",
        "closes the connection",
        "keeps it",
        "the request was read whole",
    ),
    Difference(
        "unread-chunks",
        "a chunked body that nobody reads, behind a reply of the proxy's own",
        "read to its end; the connection stays",
        "the connection closes",
        "its end may never come",
    ),
    Difference(
        "content-type",
        "`add_header Content-Type` in a location that returns a text",
        "two fields",
        "the added one",
        "two types are none",
    ),
    Difference(
        "late-requests",
        "a client that takes too long over a head or body",
        "closes without a word",
        "408, and closes",
        "RFC 9110, 15.5.9; the client learns why",
    ),
    Difference(
        "too-large-over-tls",
        "a body that is too large, over TLS",
        "413, and the connection stays open for up to `lingering_timeout`",
        "413, and closed at once in TLS's way",
        "the client need not wait to learn that it is over",
    ),
    # Upstreams
    Difference(
        "websockets",
        "a WebSocket where the file has no lines for it",
        "passed on as any request",
        "passed on as an upgrade",
        "the lines do no harm, and forgetting them is what breaks most set-ups",
    ),
    Difference(
        "half-upgrades",
        "what only looks like a WebSocket: another protocol, HTTP/1.0, a POST, `Upgrade` without `Connection`",
        "passed on as an upgrade by the file's lines",
        "passed on as a request",
        "an upgrade that only one side takes for one lets a client speak past the proxy",
    ),
    Difference(
        "upgrade-case", "`Upgrade: WebSocket`", "passed on as it came", "`websocket`", "gateways compare it literally"
    ),
    Difference(
        "unasked-101",
        "a 101 that nobody asked for",
        "waits for a final reply",
        "502",
        "RFC 9110, 15.2.2",
    ),
    Difference(
        "many-attempts",
        "`$upstream_status`, `$upstream_addr` and the like of a request that was tried more than 16 times",
        "all attempts",
        "the first fifteen and the last one",
        "a request that goes on and on would make lines without a bound",
    ),
    Difference(
        "repeated-fields",
        "`$http_…` of a field that comes twice",
        "the first (1.22; from 1.23 on all, with commas)",
        "all, with commas",
        "as Nginx since 1.23",
    ),
    Difference(
        "chunk-lengths",
        "`$body_bytes_sent` and `$request_length` of chunked bodies",
        "with the chunks' own bytes",
        "without",
        "the body's length does not depend on how it was cut; `$bytes_sent` has all",
    ),
    Difference(
        "sent-connection",
        "`$sent_http_connection` in the log",
        "`close`, also where the connection stays",
        "`keep-alive` where it stays",
        "it tells what became of the connection",
    ),
    Difference(
        "proxy-host",
        "`$proxy_host` and `$proxy_port` of a request that was refused before it was passed on",
        "empty",
        "the location's",
        "they are the location's own",
    ),
    Difference(
        "pipe",
        "`$pipe` of two requests in one write",
        "`p` for the second",
        "`p` for the first",
        "it tells that more has come already",
    ),
    Difference(
        "json-escapes",
        "tabs, line feeds and DEL under `escape=json`",
        "`\\t`, `\\n`, and DEL as it is",
        "`\\u0009`, `\\u000a`, `\\u007f`",
        "both are JSON",
    ),
    Difference(
        "no-escape",
        "control characters under `escape=none`",
        "as they are",
        "as `\\x09`",
        "a line feed would forge a line",
    ),
    Difference(
        "no-server-left",
        "`proxy_next_upstream http_500` when no other server is left",
        "502",
        "the 500, as it came",
        "the gateway's own answer says more",
    ),
]
