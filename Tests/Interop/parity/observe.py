"""What is seen of one case at one server, and how two such observations compare.

An observation is a flat mapping from aspect to value:

    status      the status lines of all replies, interim ones too
    fields      for each reply, its fields, sorted by name; those of one name keep their order
    body        for each reply
    trailers    for each reply
    connection  "kept", "closed", or "silent" when the server left the case without its due
    upstream    every request that upstreams received: which upstream, and the bytes
    log         the access log's lines for this connection

Nothing else is made alike than what the tables and functions of this module say.
"""

import re

#: Fields whose presence is compared, and their value not.
PRESENCE_ONLY = {"date"}

#: Names of the two programs in Server fields. Whether a version follows is compared.
PRODUCT = re.compile(r"^(nginx|postern)(/[0-9.]+)?$")

#: Pages of the proxies' own, and the fields that belong to them.
OWN_PAGES = {
    "nginx": (
        re.compile(rb"^<html>\r\n<head><title>[^<]*</title></head>\r\n<body>.*</body>\r\n</html>\r\n", re.DOTALL),
        {"content-type", "content-length"},
    ),
    "postern": (
        re.compile(rb"^\d{3} [^\n]*\n(request id: [0-9a-f]{32}\n)?$"),
        {"content-type", "content-length", "cache-control", "x-request-id"},
    ),
}
#: The same for HEAD, where only the fields can tell: the status and what the page's length would be.
OWN_TYPES = {"nginx": "text/html", "postern": "text/plain; charset=utf-8"}

#: What a connection of HTTP/1.1 is anyhow.
SAYS_NOTHING = ("connection", "keep-alive")

#: Words behind a status that Nginx has and RFC 9110 has not.
WORDS = {
    "302 Moved Temporarily": "302 Found",
    "405 Not Allowed": "405 Method Not Allowed",
    "408 Request Time-out": "408 Request Timeout",
    "413 Request Entity Too Large": "413 Content Too Large",
    "414 Request-URI Too Large": "414 URI Too Long",
    "416 Requested Range Not Satisfiable": "416 Range Not Satisfiable",
    "503 Service Temporarily Unavailable": "503 Service Unavailable",
    "504 Gateway Time-out": "504 Gateway Timeout",
}

#: Parts of an access log's line that are different at each request: compared by their shape.
SHAPES = [
    (re.compile(rf"\b({name})={shape}(?=\||$)"), rf"\1=<{name}>")
    for name, shape in {
        "connection": r"\d+",
        "pid": r"\d+",
        "msec": r"\d+\.\d{3}",
        "bytes_sent": r"\d+",
        "request_id": r"[0-9a-f]{32}",
        "request_time": r"\d+\.\d{3}",
        "time_iso8601": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+\d\d:\d\d",
        "time_local": r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+\d{4}",
        "remote_port": r"\d{4,5}",
    }.items()
]

#: What tells of a page of the proxy's own.
PAGE = re.compile(r"\b(type|length|sent_length|body_bytes_sent|cache)=[^|]*")

#: The same for times that are lists, one for each attempt.
TIMES = re.compile(r"\b(upstream_\w+_time=)([^|]+)")
TIME = re.compile(r"\d+\.\d{3}")

#: How an access log shows a variable without a value. Nginx tells one that is not there (-) from one that is empty.
NOTHING = re.compile(r"(?:^|(?<=[|=]))-(?=[|,]|$)")


class Reply:
    """One final reply with the status lines of the interim ones before it."""

    def __init__(self, line, fields, interim):
        self.line, self.fields, self.interim = line, fields, interim
        self.body, self.trailers, self.cut = b"", [], False

    @property
    def status(self):
        return int(self.line.split()[1])

    def value(self, name):
        for field, value in self.fields:
            if field.lower() == name:
                return value
        return None

    def is_own_page(self, program, method):
        if self.status < 300:
            return False
        pattern, _ = OWN_PAGES[program]
        if method == "HEAD":
            return self.value("content-type") == OWN_TYPES[program]
        return bool(pattern.match(self.body))


class Names:
    """Ports by the names that the file has for them, in bytes of the same length."""

    def __init__(self, ports):
        self._words = {str(port).encode(): name.upper().encode().ljust(5, b"_")[:5] for name, port in ports.items()}
        self._pattern = re.compile(rb"(?<![0-9A-Za-z])(" + b"|".join(self._words) + rb")(?![0-9A-Za-z])")

    def __call__(self, data):
        return self._pattern.sub(lambda match: self._words[match.group(1)], data).decode("latin-1")


def observe(program, methods, replies, ending, received, log, names):
    """The observation. `methods` are those of the requests, `received` pairs of label and bytes, `log` lines."""
    seen = {"status": [], "fields": [], "body": [], "trailers": [], "connection": ending}
    for method, reply in zip(methods, replies, strict=False):
        own = reply.is_own_page(program, method)
        version, _, words = reply.line.partition(" ")
        seen["status"] += [*reply.interim, f"{version} {WORDS.get(words, words)}"]
        seen["fields"].append(_fields(reply, OWN_PAGES[program][1] if own else (), names))
        seen["body"].append(("<page>" if own else names(reply.body)) + ("<cut>" if reply.cut else ""))
        seen["trailers"].append(tuple(reply.trailers))
    seen["upstream"] = [(label, names(_settled(_one_chunk(data)))) for label, data in received]
    seen["log"] = [_shaped(names(line.encode())) for line in log]
    if any(body.startswith("<page>") for body in seen["body"]):
        seen["log"] = [PAGE.sub(r"\1=<page>", line) for line in seen["log"]]
    return {aspect: tuple(value) if isinstance(value, list) else value for aspect, value in seen.items()}


def differing(nginx, postern):
    """Aspect → (Nginx's, Postern's), where they are not equal."""
    return {aspect: (nginx[aspect], postern[aspect]) for aspect in nginx if nginx[aspect] != postern[aspect]}


def _fields(reply, ignored, names):
    kept = []
    for name, value in reply.fields:
        if name.lower() in ignored or (name.lower(), value.lower()) == SAYS_NOTHING:
            continue
        if name.lower() in PRESENCE_ONLY:
            value = "…"
        if name.lower() == "server":
            value = PRODUCT.sub(lambda match: "proxy/version" if match.group(2) else "proxy", value)
        kept.append(f"{name}: {names(value.encode('latin-1', 'replace'))}")
    return tuple(sorted(kept, key=lambda field: field.split(":")[0].lower()))


def _one_chunk(data):
    """The same request with its chunks joined: where they are cut depends on what had come when."""
    head, _, rest = data.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" not in head.lower():
        return data
    joined = b""
    while rest:
        line, _, rest = rest.partition(b"\r\n")
        size = int(line.split(b";")[0] or b"0", 16)
        if not size:
            return head + b"\r\n\r\n<" + joined + b">" + rest
        joined, rest = joined + rest[:size], rest[size + 2 :]
    return head + b"\r\n\r\n<" + joined


def _settled(data):
    """The same request with Host, Connection and Upgrade behind the other fields, in this order."""
    head, _, rest = data.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    places = {b"host": 1, b"connection": 2, b"upgrade": 3}
    fields.sort(key=lambda field: places.get(field.split(b":")[0].lower(), 0))
    return b"\r\n".join([line, *fields]) + b"\r\n\r\n" + rest


def _shaped(line):
    line = line[:2000]  # Of a request line that is too long, each logs what it has read.
    line = NOTHING.sub("", line)
    for pattern, replacement in SHAPES:
        line = pattern.sub(replacement, line)
    return TIMES.sub(lambda match: match[1] + TIME.sub("<time>", match[2]), line)
