"""API keys: how long they hold, how often they may ask, and for what."""

import json
import signal
import subprocess
import time
from datetime import datetime, timezone

import pytest

from harness.ports import wait_until
from harness.process import Server
from harness.site import Site

from .keys import KeyFile, make_key
from .stage import VERSIONS, ask, cookie_field, cookies, log_in

USERS = "alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n"


@pytest.fixture
def door(tmp_path, recorder, certificate, context):
    """door(directives) starts a server with a file of keys."""
    servers = []

    def start(top="", server="", users=USERS):
        site = Site(
            upstream=recorder.address,
            auth=users is not None,
            users=users,
            http2=True,
            native_top=top,
            native_server="api_keys {directory}/keys.json; login_form on;" + server if users else server,
        )
        made = Server("postern-native", tmp_path, site, *certificate, context)
        servers.append(made)
        return made

    start.keys = KeyFile(tmp_path / "keys.json")
    yield start
    for server in servers:
        server.stop()


def bearer(key):
    return [("Authorization", f"Bearer {key}")]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("field", ["X-API-Key", "Authorization"])
def test_a_key_lets_in(door, recorder, field, version):
    key = door.keys.add("ci", "read")
    server = door()
    fields = [(field, key if field == "X-API-Key" else f"Bearer {key}")]
    assert ask(server, version, target="/a", fields=fields).status == 200
    request = recorder.last("/a")
    assert key not in request.head.decode()
    assert request.values("Authorization") == request.values("X-API-Key") == []


def test_curl_with_a_key_of_the_command_lines(door, recorder, postern):
    """The file and the key as `postern key add` makes them; curl as the client."""
    made = postern("key", "add", door.keys.path, "--name", "curl", "--permission", "read")
    assert made.returncode == 0, made.stderr
    (key,) = [word for word in made.stdout.split() if word.startswith("pk_")]
    server = door()
    for option in ("--http1.1", "--http2"):
        for field in (f"Authorization: Bearer {key}", f"X-API-Key: {key}"):
            command = ["curl", "-sk", option, "-H", field, "-o", "/dev/null", "-w", "%{http_code}"]
            url = f"https://127.0.0.1:{server.ports['tls']}/curl"
            assert subprocess.run([*command, url], capture_output=True, text=True, timeout=30).stdout == "200"
    assert all(key not in request.head.decode() for request in recorder.for_path("/curl"))


def test_a_key_in_the_clear_holds_before_and_after_it_is_hashed(door, postern):
    door.keys.path.write_text('{"keys": [{"id": "old", "key": "a-key-of-somebody-long-ago", "permissions": ["read"]}]}\n')
    server = door()
    assert ask(server, fields=bearer("a-key-of-somebody-long-ago")).status == 200
    assert postern("key", "hash", door.keys.path).returncode == 0
    assert "long-ago" not in door.keys.path.read_text()
    wait_until(lambda: ask(server, fields=bearer("a-key-of-somebody-long-ago")).status == 200, "the hashed key", 2)


@pytest.mark.parametrize("version", VERSIONS)
def test_somebody_elses_token_passes_with_a_session(door, recorder, version):
    server = door()
    session = cookies(log_in(server, "alice", "/"))
    token = "Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc"
    answer = ask(server, version, target="/b", fields=[cookie_field(session), ("Authorization", token)])
    assert answer.status == 200
    assert recorder.last("/b").values("Authorization") == [token]
    assert ask(server, version, target="/b", fields=[("Authorization", token)]).status == 401


def test_a_key_expires_to_the_second(door):
    until = int(time.time()) + 3
    expires = datetime.fromtimestamp(until, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    key = door.keys.add("brief", "read", expires=expires)
    server = door()
    with server.connect() as connection:
        answers = []
        while time.time() < until + 1.2:
            before = time.time()
            answers.append((before, connection.request(fields=bearer(key)).status, time.time()))
            time.sleep(0.02)
    assert len(answers) > 50
    # Let in whatever ended before that second, and nothing that began after it had begun.
    assert {status for _, status, after in answers if after < until - 0.05} == {200}
    assert {status for before, status, _ in answers if before > until + 0.05} == {401}


def test_a_rate_is_requests_an_hour(door):
    five, many = door.keys.add("five", "read", rate=5), door.keys.add("many", "read", rate=3600)
    server = door()
    assert [ask(server, VERSIONS[number % 2], fields=bearer(five)).status for number in range(5)] == [200] * 5
    for version in VERSIONS:
        answer = ask(server, version, fields=bearer(five))
        assert answer.status == 429
        # One of five an hour is free again after twelve minutes.
        assert 700 <= int(answer.value("Retry-After")) <= 720
    # Each has its own.
    assert ask(server, fields=bearer(many)).status == 200
    answers = []
    for _ in range(5):
        with server.connect() as connection:
            answers += [connection.request(fields=bearer(many)) for _ in range(730)]
    refused = [answer for answer in answers if answer.status == 429]
    # One a second comes back meanwhile.
    assert 1 <= len(refused) <= 51
    assert {answer.value("Retry-After") for answer in refused} == {"1"}


def test_a_rate_outlives_a_change_of_the_file(door):
    key = door.keys.add("two", "read", rate=2)
    server = door()
    assert [ask(server, fields=bearer(key)).status for _ in range(3)] == [200, 200, 429]
    other = door.keys.add("other", "read")
    wait_until(lambda: ask(server, fields=bearer(other)).status == 200, "the new key", 2)
    assert ask(server, fields=bearer(key)).status == 429


def test_the_file_is_read_again_when_it_changes(door):
    first = door.keys.add("first", "read")
    server = door()
    with server.connect() as connection:
        assert connection.request(fields=bearer(first)).status == 200
        began = time.monotonic()
        second = door.keys.add("second", "read")
        wait_until(lambda: connection.request(fields=bearer(second)).status == 200, "the added key", 1)
        door.keys.remove("first")
        wait_until(lambda: connection.request(fields=bearer(first)).status == 401, "the removed key's end", 1)
        assert time.monotonic() - began < 2
        assert connection.request(fields=bearer(second)).status == 200
        # A broken file lets nobody in; mended, it does.
        text = door.keys.path.read_text()
        door.keys.path.write_text(text[:-10])
        wait_until(lambda: connection.request(fields=bearer(second)).status == 500, "the broken file", 1)
        door.keys.path.write_text(text)
        wait_until(lambda: connection.request(fields=bearer(second)).status == 200, "the mended file", 2)


# What a key may do.

OWN_TABLE = """
permission look methods=GET,HEAD scopes=see;
permission talk methods=WEBSOCKET scopes=see,say;
permission change methods=POST,PUT scopes=say;
permission orders paths=/orders/ methods=GET,POST scopes=trade;
permission big-orders paths=/orders/big/;
permission report paths=/report;
"""
#: Method, path, and the permission that it needs; None where there is none.
NEEDS = [
    ("GET", "/", "look"),
    ("HEAD", "/x", "look"),
    ("POST", "/x", "change"),
    ("PUT", "/x", "change"),
    ("DELETE", "/x", None),
    ("OPTIONS", "/x", None),
    ("get", "/x", None),
    ("WEBSOCKET", "/x", None),
    ("upgrade", "/x", "talk"),
    ("GET", "/orders/1", "orders"),
    ("POST", "/orders/1", "orders"),
    # The path's permission hasn't the method: the method's has it.
    ("PUT", "/orders/1", "change"),
    ("DELETE", "/orders/1", None),
    ("GET", "/orders/big/1", "big-orders"),
    ("DELETE", "/orders/big/1", "big-orders"),
    ("GET", "/ordersx", "look"),
    ("DELETE", "/report", "report"),
    ("GET", "/report", "report"),
    ("GET", "/report?x=/orders/", "report"),
    ("GET", "/reports", "look"),
    ("GET", "/report/1", "look"),
]
UPGRADE = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
]


@pytest.mark.parametrize("version", VERSIONS)
def test_permissions_of_the_configuration(door, recorder, version):
    names = ["look", "talk", "change", "orders", "big-orders", "report"]
    keys = {name: door.keys.add(f"only-{name}", name) for name in names}
    others = {name: door.keys.add(f"not-{name}", *(set(names) - {name})) for name in names}
    every = door.keys.add("every", *names)
    server = door(top=OWN_TABLE)
    recorder.default = lambda exchange: (
        exchange.accept_websocket() if exchange.request.value("Upgrade") else exchange.reply()
    )
    for method, path, need in NEEDS:
        upgrade = method == "upgrade"
        if upgrade and version == "HTTP/2.0":
            continue

        def asked(key):
            fields = bearer(key) + (UPGRADE if upgrade else [])
            return ask(server, version, "GET" if upgrade else method, path, fields)

        allowed = 101 if upgrade else 200
        if need is None:
            answer = asked(every)
            assert answer.status == 403, (method, path)
            assert "no permission allows this method here" in answer.text
            continue
        assert asked(keys[need]).status == allowed, (method, path)
        answer = asked(others[need])
        assert answer.status == 403, (method, path)
        if method != "HEAD":
            assert f"the API key lacks the permission {need}\n" in answer.text, (method, path)


def test_users_may_do_everything(door):
    server = door(top=OWN_TABLE)
    session = cookies(log_in(server, "alice", "/"))
    for method, path, _ in NEEDS:
        if method != "upgrade":
            fields = [cookie_field(session), ("Sec-Fetch-Site", "same-origin")]
            assert ask(server, method=method, target=path, fields=fields).status == 200


#: Ways to write the path of the one permission that goes by path; the answer to a key that has all but that one.
FORMS = {
    "/tools/invoke": 403,
    "/tools/invoke?x": 403,
    "/tools/%69nvoke": 403,
    "/%74%6f%6f%6c%73/invoke": 403,
    "/tools//invoke": 403,
    "//tools/invoke": 403,
    "/tools/./invoke": 403,
    "/x/../tools/invoke": 403,
    "/x/%2e%2e/tools/invoke": 403,
    "/tools%2finvoke": 403,
    "/tools%2Finvoke": 403,
    "/tools/invoke/": 403,
    "/tools/invoke//": 403,
    "/tools/invoke%2f": 403,
    "/tools/invoke/.": 403,
    "/Tools/Invoke": 403,
    "/TOOLS/%49NVOKE/": 403,
    "/x/..;/tools/invoke": 400,
    "/tools/invoke;x=1": 400,
    "/tools;x/invoke": 400,
    "/tools/invoke%3bx": 400,
    "/tools\\invoke": 400,
    "/tools%5cinvoke": 400,
    "/tools/%2569nvoke": 400,
    "/tools%252finvoke": 400,
    "/tools/%252e/invoke": 400,
    "/x/%252e%252e/tools/invoke": 400,
    "/Tools;x/Invoke": 400,
    "/tools/invoke%00": 400,
    "/tools/%invoke": 400,
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("merges", ["on", "off"])
def test_the_path_of_a_permission_however_it_is_written(door, recorder, merges, version):
    writer = door.keys.add("writer", "read", "write")
    actor = door.keys.add("actor", "read", "write", "execute-actions")
    server = door(server=f"merge_slashes {merges};")
    for path, status in FORMS.items():
        answer = ask(server, version, "POST", path, bearer(writer), b"{}")
        if merges == "off" and status == 403:
            # Who merges them, and who doesn't, would each read another path.
            assert answer.status in (403, 400), path
        else:
            assert answer.status == status, (path, answer.text)
        if answer.status == 403:
            assert "lacks the permission execute-actions" in answer.text
    assert recorder.requests == []
    for path in ("/tools/invoke", "/tools/%69nvoke", "/Tools/Invoke/"):
        assert ask(server, version, "POST", path, bearer(actor), b"{}").status == 200, path
    # What only looks like it.
    for path in ("/tools/invoker", "/tools/invoke/x", "/tools", "/x/tools/invoke"):
        assert ask(server, version, "POST", path, bearer(writer), b"{}").status == 200, path


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("location, upstream", [("/api/", "/"), ("/api", "/"), ("/api/", "/tools/"), ("/i", "/tools/i")])
def test_the_path_that_goes_upstream_counts_as_well(door, recorder, location, upstream, version):
    writer = door.keys.add("writer", "read", "write")
    actor = door.keys.add("actor", "read", "write", "execute-actions")
    server = door(server=f"location {location} {{ proxy_pass http://gateway{upstream}; }}")
    rest = {"/": "tools/invoke", "/tools/": "invoke", "/tools/i": "nvoke"}[upstream]
    asked = location + ("/" if location == "/api" else "") + rest
    for path in (asked, asked + "/", asked.replace("invoke", "%69nvoke"), asked.upper().replace("/API", "/api").replace("/I", "/i", 1)):
        answer = ask(server, version, "POST", path, bearer(writer), b"{}")
        assert answer.status == 403, (path, answer.status)
        assert "lacks the permission execute-actions" in answer.text
    for path in (asked.replace("nvoke", "%256evoke"), asked + ";x"):
        assert ask(server, version, "POST", path, bearer(writer), b"{}").status == 400, path
    assert recorder.requests == []
    assert ask(server, version, "POST", asked, bearer(actor), b"{}").status == 200
    assert recorder.requests[-1].target.replace("//", "/") == "/tools/invoke"


def test_uses_are_shown_and_outlive_the_process(door, postern):
    """`postern key uses`: when each key was used last, and how often."""
    often, once, _ = (door.keys.add(name, "read") for name in ("often", "once", "never"))
    server = door(top="state_dir {directory}/state; control unix:{directory}/control.sock;")
    socket = server.directory / "control.sock"

    def uses():
        answer = postern("key", "uses", "--json", "--socket", socket)
        assert answer.returncode == 0, answer.stderr
        return [(use["id"], use["requests"]) for use in json.loads(answer.stdout)["uses"]]

    assert uses() == []
    assert postern("key", "uses", "--socket", socket).stdout == "no key was used yet\n"
    for _ in range(3):
        assert ask(server, fields=bearer(often)).status == 200
    wait_until(lambda: uses() == [("often", 3)], "the uses of a key")
    assert ask(server, fields=bearer(once)).status == 200
    assert ask(server, fields=bearer(make_key())).status == 401
    wait_until(lambda: uses() == [("once", 1), ("often", 3)], "the uses of both keys")
    heading, first, second = postern("key", "uses", "--socket", socket).stdout.splitlines()
    assert heading.split() == ["ID", "USED", "LAST", "REQUESTS"]
    assert first.startswith("once ") and first.endswith(" 1")
    assert second.startswith("often ") and second.endswith(" 3")
    server.signal(signal.SIGTERM)
    server.wait_exit()
    answer = postern("key", "uses", "--socket", socket)
    assert answer.returncode == 1 and "no proxy listens" in answer.stderr
    server.start_again()
    wait_until(lambda: uses() == [("once", 1), ("often", 3)], "the uses that were kept")
    assert ask(server, fields=bearer(often)).status == 200
    wait_until(lambda: uses() == [("often", 4), ("once", 1)], "a use after a restart")
