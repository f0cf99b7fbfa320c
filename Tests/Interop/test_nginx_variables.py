"""Variables and `map` as Nginx means them: the same tables on Nginx itself and on Postern."""

import pytest

from harness.client import basic
from harness.site import Site

SAME_FILE = pytest.mark.peers("nginx", "postern-nginx")

VARIABLES = {
    "$host": "localhost",
    "$http_host": "localhost:77",
    "$request_method": "GET",
    "$request_uri": "/v/a%2Fb?x=1&y=%20",
    "$uri": "/v/a/b",
    "$document_uri": "/v/a/b",
    "$args": "x=1&y=%20",
    "$query_string": "x=1&y=%20",
    "$is_args": "?",
    "$arg_x": "1",
    "$arg_y": "%20",
    "$scheme": "https",
    "$server_protocol": "HTTP/1.1",
    "$server_name": "localhost",
    "$remote_addr": "127.0.0.1",
    "$server_addr": "127.0.0.1",
    "$remote_user": "alice",
    "$http_x_word": "a word",
    "$http_user_agent": "tester",
    "$cookie_one": "1",
    "$cookie_two": "2",
    "$https": "on",
    "$ssl_protocol": "TLSv1.3",
    "$proxy_host": "gateway",
    "${scheme}s": "httpss",
    "pre-$arg_x-post": "pre-1-post",
    "$ssl_server_name": "localhost",
    "$content_length": None,
    "$http_none": None,
    "$request_length": "digits",
    "$remote_port": "digits",
    "$connection": "digits",
    "$msec": "digits",
    "$pid": "digits",
    "$request_id": "hex",
    "$mapped": "one",
    "$hostname": "any",
    "$time_iso8601": "any",
    "$time_local": "any",
}


@SAME_FILE
def test_variables(peer, start, recorder, users):
    lines = "".join(f'proxy_set_header X-Value-{number} "{name}";\n' for number, name in enumerate(VARIABLES))
    top = "map $arg_x $mapped { default other; 1 one; }"
    server = start(
        peer,
        Site(
            upstream=recorder.address,
            auth=True,
            users=users,
            nginx_top=top,
            nginx_location=lines,
            server="ssl_protocols TLSv1.2 TLSv1.3;",
        ),
    )
    fields = [basic("alice", "password"), ("X-Word", "a word"), ("User-Agent", "tester"), ("Cookie", "one=1; two=2")]
    with server.connect() as connection:
        assert connection.request("GET", "/v/a%2Fb?x=1&y=%20", fields, host="localhost:77").status == 200
    request, wrong = recorder.last(), {}
    for number, (name, expected) in enumerate(VARIABLES.items()):
        value = request.value(f"X-Value-{number}")
        fine = (
            value == expected
            if expected not in ("digits", "hex", "any")
            else bool(value)
            if expected == "any"
            else value is not None and value.replace(".", "").isdigit()
            if expected == "digits"
            else value is not None and len(value) == 32 and int(value, 16) >= 0
        )
        if not fine:
            wrong[name] = value
    assert wrong == {}


MAP = """
map $http_x_kind $kind {
    hostnames;
    default      none;
    ""           empty;
    exact.test   exact;
    *.wild.test  wild;
    wild.*       tail;
    .both.test   both;
}
map $arg_r $pattern {
    default            no;
    ~^v[0-9]+$         version;
    ~*^CASE$           any-case;
    "~^(?<word>a+)b"   $word;
}
"""


@SAME_FILE
@pytest.mark.parametrize(
    "value, kind",
    [
        (None, "empty"),
        ("exact.test", "exact"),
        ("EXACT.test", "exact"),
        ("a.wild.test", "wild"),
        ("a.b.wild.test", "wild"),
        ("wild.test", "tail"),
        ("wild.org", "tail"),
        ("both.test", "both"),
        ("x.both.test", "both"),
        ("other", "none"),
    ],
)
def test_map_with_hostnames(peer, start, value, kind):
    server = start(peer, Site(nginx_top=MAP, nginx_server='location /m { return 200 "$kind"; }'))
    fields = [("X-Kind", value)] if value else []
    assert server.get("/m", fields).text == kind


@SAME_FILE
@pytest.mark.parametrize(
    "value, text", [("v12", "version"), ("v", "no"), ("case", "any-case"), ("aaab", "aaa"), ("b", "no")]
)
def test_map_with_patterns(peer, start, value, text):
    server = start(peer, Site(nginx_top=MAP, nginx_server='location /m { return 200 "$pattern"; }'))
    assert server.get(f"/m?r={value}").text == text
