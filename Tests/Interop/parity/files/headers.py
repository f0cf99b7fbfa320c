"""Header rules of http, server and location: what is inherited, for which statuses; what is hidden and replaced."""

from ..case import Case, File, request, upstream_said

CLIENT = [
    ("X-Word", "word"),
    ("X-Gone", "1"),
    ("User-Agent", "client"),
    ("Cookie", "a=1"),
    ("Accept-Encoding", "gzip"),
    ("X-Lower", "upper"),
    ("X-Twice", "client"),
    ("X-Own", "client"),
    ("X-Set-Server", "client"),
    ("Authorization", "Basic x"),
]


def ask(target, reply="fields", port="plain", name=None, fields=CLIENT, **options):
    title = name or f"{target} on {port}" + ("" if reply == "fields" else f", {reply}")
    return Case(title, [request(target, [*fields, upstream_said(reply)], **options)], port=port)


STATUSES = ("ok", "201", "204", "206", "location-other", "304", "400", "404", "500", "503")

CASES = [
    *(ask("/", reply) for reply in ("fields", *STATUSES)),
    *(ask("/own-add/", reply) for reply in ("fields", "404", "location-other")),
    ask("/own-set/"),
    ask("/own-hide/"),
    ask("/own-pass/"),
    ask("/own-pass/", "ok"),
    ask("/pass-accel/"),
    ask("/returned"),
    ask("/returned", method="HEAD", name="/returned by HEAD"),
    ask("/returned-own"),
    ask("/returned-type"),
    ask("/returned-type-field"),
    ask("/", port="second"),
    *(ask("/", reply, "second") for reply in ("404", "500", "304")),
    ask("/own/?q=1", port="second"),
    ask("/own/?q=1", "404", "second"),
    ask("/own/x", port="second", fields=[], name="/own/ without the client's fields"),
    ask("/own/inner/?q=2", port="second"),
    ask("/own/inner-add/", port="second"),
    ask("/own/inner-hide/", port="second"),
    ask("/hosts/", port="second"),
    ask("/no-host/", port="second"),
    Case("/no-host/ without a Host", [request("/no-host/", host=None, version="HTTP/1.0")], port="second"),
    ask("/replaces/", port="second"),
    ask("/replaces/", "404-fields", "second"),
    *(
        ask(f"/{place}/", reply, "second")
        for place in ("replaces-always", "replaces-twice", "replaces-by-nothing")
        for reply in ("fields", "404-fields", "ok", "404")
    ),
    ask("/length/", port="second", method="POST", body=b"12345"),
    ask("/old/", port="second"),
    ask("/old/", "chunked", port="second"),
    ask("/old/", port="second", method="POST", body=b"12345", name="/old/ by POST"),
    ask("/no-own-pages/", port="second"),
    ask("/forbidden/", port="second"),
    ask("/redirects/", port="second"),
    ask("/tokens/", port="second"),
    ask("/created/", port="second"),
    ask("/", "nothing", name="an error of the proxy's own"),
    ask("/", "nothing", "second", name="an error of the proxy's own on second"),
    ask("/", name="a line feed in a variable", fields=[("X-Word", "a\tb")]),
    ask("/own/?q=%0d%0aX-Evil:%201", port="second", name="an encoded line end in a variable"),
]

DIFFERS = {
    "content-type": {"/returned-type-field on plain": {"fields": ("Content-Type: text/plain", "")}},
    "relative-redirects": {
        "/redirects/ on second": {"fields": ("Location: http://localhost:SECON/", "Location: /elsewhere")}
    },
}

FILE = File(
    "headers",
    "header rules at three levels: add_header, always, proxy_set_header, proxy_hide_header, proxy_pass_header",
    CASES,
    listeners=["second"],
    differs=DIFFERS,
)
