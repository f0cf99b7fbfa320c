"""The access log's lines, and that no client can write one."""

import base64
import json
import re
import time

import pytest

from harness.client import basic
from harness.ports import wait_until
from harness.site import Site

from test_websocket import UPGRADE

COMBINED = re.compile(
    r'^127\.0\.0\.1 - (?P<user>\S+) \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "(?P<request>[^"]*)" '
    r'(?P<status>\d{3}) (?P<bytes>\d+) "(?P<referer>[^"]*)" "(?P<agent>[^"]*)"$'
)


def test_combined(peer, start, recorder, users):
    server = start(peer, Site(upstream=recorder.address, auth=True, users=users))
    with server.connect() as connection:
        connection.request(
            "GET", "/a?b=c", [basic("alice", "password"), ("User-Agent", "tester/1"), ("Referer", "http://x/")]
        )
        connection.request("POST", "/d", body=b"1")
        connection.request("HEAD", "/e", [basic("alice", "password")])
    lines = [COMBINED.match(line) for line in server.access_lines(3)]
    assert lines[0].groupdict() == {
        "user": "alice",
        "request": "GET /a?b=c HTTP/1.1",
        "status": "200",
        "bytes": "3",
        "referer": "http://x/",
        "agent": "tester/1",
    }
    assert (lines[1]["user"], lines[1]["request"], lines[1]["status"]) == ("-", "POST /d HTTP/1.1", "401")
    assert (lines[2]["request"], lines[2]["status"], lines[2]["bytes"]) == ("HEAD /e HTTP/1.1", "200", "0")


FORGERIES = {
    "quote in the agent": [("User-Agent", 'x" 200 0 "-" "y')],
    "backslashes in the agent": [("User-Agent", '\\" \\n \\x22')],
    "8-bit agent": [("User-Agent", "caf\u00e9 \u00ff")],
    "tab in the agent": [("User-Agent", "a\tb")],
    "quote in the referer": [("Referer", '"-"')],
    "newline in the user": [
        (
            "Authorization",
            "Basic "
            + base64.b64encode(
                b'x\n127.0.0.1 - admin [01/Jan/2026:00:00:00 +0000] "GET /forged HTTP/1.1" 200 1 "-" "-":y'
            ).decode(),
        )
    ],
    "quote and space in the user": [("Authorization", "Basic " + base64.b64encode(b'a "b" [c:y').decode())],
    "escape codes in the user": [("Authorization", "Basic " + base64.b64encode(b"\x1b[2J\x00\x7f:y").decode())],
}


def test_no_input_forges_a_line(peer, start, recorder, users):
    server = start(peer, Site(upstream=recorder.address, auth=True, users=users))
    with server.connect() as connection:
        for fields in FORGERIES.values():
            connection.request("GET", "/quote%22%0a", fields)
        connection.request(target='/"quoted"')
    lines = server.access_lines(len(FORGERIES) + 1)
    assert len(lines) == len(FORGERIES) + 1
    text = "\n".join(lines)
    assert not re.search(r"[^\x20-\x7e\n]", text), "a control or 8-bit character came through"
    for line in lines:
        # Outside its own quotes no line has a quote: six in all.
        assert line.count('"') == 6, line
        assert line.startswith("127.0.0.1 - "), line
    assert not any('"GET /forged' in line for line in lines)


@pytest.mark.peers("nginx", "postern-nginx")
def test_a_format_of_ones_own_in_json(peer, start, recorder):
    log_format = (
        'log_format lines escape=json \'{"method":"$request_method","uri":"$request_uri","status":$status,'
        '"agent":"$http_user_agent","bytes":$body_bytes_sent,"time":$request_time}\';'
    )
    site = Site(upstream=recorder.address, nginx_top=log_format, nginx_server="access_log {directory}/json.log lines;")
    server = start(peer, site)
    with server.connect() as connection:
        connection.request("GET", "/x?y", [("User-Agent", 'quote " slash \\ tab \t')])
    path = server.directory / "json.log"
    wait_until(lambda: path.read_text().endswith("\n"), "a line")
    entry = json.loads(path.read_text())
    assert (entry["method"], entry["uri"], entry["status"], entry["bytes"]) == ("GET", "/x?y", 200, 3)
    assert entry["agent"].rstrip() == 'quote " slash \\ tab'


@pytest.mark.peers("postern-native")
def test_json(peer, start, recorder, users):
    site = Site(upstream=recorder.address, auth=True, users=users, native_location="")
    server = start(peer, site)
    server.rewrite(site)
    server.config.write_text(server.config.read_text().replace("access.log combined;", "access.log json;"))
    server.reload()
    server.get("/json", [basic("alice", "password"), ("User-Agent", 'a "b"')])
    server.access_lines(1)
    entry = json.loads(server.access_log.rstrip().split("\n")[-1])
    assert 'a "b"' in entry.values()
    assert "alice" in entry.values()
    assert 200 in entry.values()


def test_no_secret_is_logged(peer, start, recorder, users):
    server = start(peer, Site(upstream=recorder.address, auth=True, users=users))
    fields = basic("alice", "password")
    server.get("/one", [fields])
    server.get("/two", [basic("alice", "hunter2hunter2")])
    server.access_lines(2)
    for text in (server.access_log, server.error_log):
        assert "hunter2" not in text
        assert fields[1].split()[1] not in text
        assert "W6ph5Mm5Pz8GgiULbPgzG37mj9g" not in text


def test_a_request_that_is_refused_is_logged(peer, start, recorder):
    server = start(peer, Site(upstream=recorder.address))
    with server.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert connection.response().status == 400
    assert COMBINED.match(server.access_lines(1)[0])["status"] == "400"


TOLD = (
    "$status $request_time $bytes_sent $body_bytes_sent $request_length $upstream_status $upstream_response_time "
    "$upstream_bytes_received $upstream_bytes_sent $upstream_response_length"
)


def test_the_line_of_a_websocket(peer, start, recorder):
    """It comes when the WebSocket has ended, and has its time and its bytes."""
    recorder.on("/raw", lambda exchange: exchange.echo_bytes())
    site = Site(
        upstream=recorder.address,
        top=f"log_format told '{TOLD}';",
        server="access_log {directory}/told.log told;",
    )
    server = start(peer, site)
    path = server.directory / "told.log"
    with server.connect() as connection:
        assert connection.request("GET", "/raw", UPGRADE).status == 101
        for _ in range(3):
            assert connection.exchange(b"x" * 1000, 1000) == b"x" * 1000
        time.sleep(0.3)
        assert not path.exists() or path.read_text() == ""
    wait_until(lambda: path.read_text().endswith("\n"), "a line")
    told = dict(zip(TOLD.replace("$", "").split(), path.read_text().split(), strict=True))
    assert (told["status"], told["upstream_status"], told["upstream_response_length"]) == ("101", "101", "0")
    assert 0.3 <= float(told["request_time"]) < 5 and 0.3 <= float(told["upstream_response_time"]) < 5
    assert int(told["body_bytes_sent"]) == 3000
    # Besides, there are the heads.
    assert 3000 + 129 <= int(told["bytes_sent"]) <= 3600
    assert int(told["upstream_bytes_received"]) == 3000 + 129
    assert 3000 + 100 <= int(told["upstream_bytes_sent"]) <= 3600
