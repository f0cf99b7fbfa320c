"""Login sessions: who gets one, what its cookie is like, what the gateway sees of it, and when it ends."""

import hashlib
import re
import subprocess
import time

import pytest

from harness.client import basic
from harness.site import Site

from .stage import (
    DEVICE,
    NAVIGATES,
    PASSWORD,
    SESSION,
    STORED,
    WAYS,
    Client,
    ask,
    cookie,
    form,
    log_in,
    post_login,
    status,
)

ALICE = basic("alice", PASSWORD)
HTML = ("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
over = pytest.mark.parametrize("way", WAYS)


# Who gets one.


@over
@pytest.mark.parametrize(
    "fields, gets",
    [
        ([("Sec-Fetch-Mode", "navigate")], True),
        ([HTML], True),
        ([HTML, ("Sec-Fetch-Mode", "navigate")], True),
        ([], False),
        ([("Accept", "*/*")], False),
        ([("Accept", "application/json")], False),
        # A page's own fetch, whatever it accepts.
        ([HTML, ("Sec-Fetch-Mode", "cors")], False),
        ([("Sec-Fetch-Mode", "no-cors")], False),
        ([("Sec-Fetch-Mode", "websocket")], False),
    ],
)
def test_browsers_get_a_session_by_basic_and_programs_none(serve, way, fields, gets):
    server, command = serve()
    answer = ask(server, "/", [ALICE, *fields], way)
    assert answer.status == 200
    assert (SESSION in answer.cookies()) == gets
    assert len(command.sessions()) == (1 if gets else 0)
    if gets:
        assert answer.value("Cache-Control") == "no-store"


@over
def test_nobody_else_gets_one(serve, way):
    server, command = serve()
    for fields, expected in [
        ([basic("alice", "wrong")], 401),
        ([basic("nobody", PASSWORD)], 401),
        ([cookie("A" * 43)], 401),
        ([cookie("")], 401),
        ([], 401),
    ]:
        answer = ask(server, "/", [*fields, *NAVIGATES], way)
        assert answer.status == expected and not answer.cookie()
    # By a form that lacks something, is none, or comes from elsewhere.
    typed = ("Content-Type", "application/x-www-form-urlencoded")
    for fields, body, expected in [
        ([typed], form(password="wrong"), 401),
        ([typed], form(user="nobody"), 401),
        ([typed], b"user=alice", 401),
        ([typed], b"", 401),
        ([typed], b"user=alice&password=%zz", 400),
        ([("Content-Type", "text/plain")], form(), 415),
        ([], form(), 415),
        ([typed, ("Sec-Fetch-Site", "cross-site")], form(), 403),
        ([typed, ("Sec-Fetch-Site", "same-site")], form(), 403),
        ([typed, ("Origin", "https://evil.test")], form(), 403),
        ([typed, ("Origin", "null")], form(), 403),
    ]:
        answer = ask(server, "/.postern/login", fields, way, "POST", body)
        assert answer.status == expected and not answer.cookie(), (fields, body)
    assert command.sessions() == []


@over
@pytest.mark.parametrize("by", ["basic", "form"])
@pytest.mark.parametrize("same_site", ["", "lax", "strict"])
def test_the_cookie(serve, way, by, same_site):
    server, command = serve("timeout=90m" + (f" same_site={same_site}" if same_site else ""))
    if by == "form":
        answer = post_login(server, way=way, target="/chat?id=1")
        assert answer.status == 303 and answer.value("Location") == "/chat?id=1"
    else:
        answer = ask(server, "/", [ALICE, *NAVIGATES], way)
    token, attributes = answer.cookies()[SESSION]
    assert re.fullmatch("[A-Za-z0-9_-]{43}", token)
    assert sorted(attributes) == sorted(
        ["Path=/", "Secure", "HttpOnly", f"SameSite={(same_site or 'lax').capitalize()}", "Max-Age=5400"]
    )
    # What people see of it isn't what it is.
    (session,) = command.sessions()
    assert session["id"] == hashlib.sha256(token.encode()).hexdigest()[:16]
    assert session["user"] == "alice" and session["address"] == "127.0.0.1"
    assert token.encode() not in b"".join(path.read_bytes() for path in (server.directory / "state").iterdir())
    device, attributes = answer.cookies()[DEVICE]
    assert {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} <= set(attributes)


def test_tokens_differ(serve):
    server, _ = serve("max_concurrent=100")
    assert len({log_in(server) for _ in range(20)}) == 20


def test_a_page_with_many_parts_gets_one_session(serve):
    """A browser asks for much at once on its connection before it has taken the cookie up."""
    server, command = serve()
    with Client(server, "http2") as client:
        streams = [
            client.connection.start("GET", f"/{number}", [(ALICE[0].lower(), ALICE[1]), ("sec-fetch-mode", "navigate")])
            for number in range(5)
        ]
        client.connection.finish(*streams)
    assert [stream.status for stream in streams] == [200] * 5
    assert len(command.sessions()) == 1


# What it counts for, and what the gateway sees.


@over
@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer the-gateways-own",
        "Bearer pk_mistyped",
        "Basic " + "!" * 8,
        "Basic bm9ib2R5OndoYXRldmVy",  # nobody:whatever
        "Negotiate abc",
        "nonsense",
    ],
)
def test_it_counts_whatever_authorization_holds(serve, recorder, way, authorization):
    server, _ = serve()
    token = log_in(server)
    answer = ask(server, "/seen", [cookie(token), ("Authorization", authorization)], way)
    assert answer.status == 200
    seen = recorder.last("/seen")
    # What isn't Postern's goes on to the gateway as it is.
    expected = None if authorization.startswith("Basic ") else authorization
    assert seen.value("Authorization") == expected


@over
def test_it_counts_on_every_connection_and_again_and_again(serve, way):
    server, _ = serve(workers=2)
    token = log_in(server)
    for _ in range(5):
        with Client(server, way) as client:
            assert [client.ask("/", [cookie(token)]).status for _ in range(3)] == [200] * 3
            # Another's cookie, or none, on the same connection is looked at anew.
            assert client.ask("/", []).status == 401
            assert client.ask("/", [cookie("B" * 43)]).status == 401
            assert client.ask("/", [cookie(token)]).status == 200


@over
def test_credentials_of_ours_stay_here(serve, recorder, way):
    server, _ = serve()
    answer = ask(server, "/first", [ALICE, *NAVIGATES], way)
    token, device = answer.cookie(), answer.cookie(DEVICE)
    assert recorder.last("/first").value("Authorization") is None
    ours = [(SESSION, token), (DEVICE, device)]
    for number, pairs in enumerate(
        [
            [*ours, ("a", "1")],
            [("a", "1"), *ours],
            [("a", "1"), *ours, ("b", "2")],
            [ours[0], ("a", "1"), ours[1], ("b", "2")],
            [("a", "1"), ("b", "2"), ours[1], ours[0]],
            ours,
        ]
    ):
        assert ask(server, f"/seen-{number}", [cookie(*pairs)], way).status == 200
        seen = recorder.last(f"/seen-{number}")
        left = [f"{name}={value}" for name, value in pairs if (name, value) not in ours]
        assert seen.values("Cookie") == (["; ".join(left)] if left else [])
        assert token.encode() not in seen.head and device.encode() not in seen.head
        assert b"__Host-postern" not in seen.head


@over
def test_cookies_in_several_fields(serve, recorder, way):
    """HTTP/2 browsers send each cookie as a field (RFC 9113, section 8.2.3); odd clients do so over HTTP/1."""
    server, _ = serve()
    token = log_in(server)
    crumbs = [("Cookie", "a=1"), ("Cookie", f"{SESSION}={token}"), ("Cookie", "b=2; c=3"), ("Cookie", f"{DEVICE}=x")]
    assert ask(server, "/seen", crumbs, way).status == 200
    seen = recorder.last("/seen")
    assert "; ".join(seen.values("Cookie")) == "a=1; b=2; c=3"
    assert token.encode() not in seen.head and b"__Host-postern" not in seen.head


@over
@pytest.mark.parametrize(
    "text, left",
    [
        ("a=1;{ours};b=2", "a=1; b=2"),
        ("a=1 ; {ours}; b=2", None),
        ("a=1;\t{ours};\tb=2", "a=1; b=2"),
        ("a=1; \t {ours}", "a=1"),
        (";;{ours};;a=1", None),
        ('a="x; y"; {ours}', None),
        ("{ours}; a={name}", "a={name}"),
        ("x{name}=1; {ours}", "x{name}=1"),
    ],
)
def test_cookies_oddly_written(serve, recorder, way, text, left):
    server, _ = serve()
    token = log_in(server)
    line = text.replace("{ours}", f"{SESSION}={token}").replace("{name}", SESSION)
    assert ask(server, "/seen", [("Cookie", line)], way).status == 200
    seen = recorder.last("/seen")
    assert token.encode() not in seen.head
    if left is not None:
        assert seen.value("Cookie") == left.replace("{name}", SESSION)


@over
@pytest.mark.parametrize("name", ["__host-postern", "__Host-Postern", "__Secure-postern", "postern"])
def test_cookies_of_other_names_are_none_of_ours(serve, recorder, way, name):
    server, _ = serve()
    token = log_in(server)
    assert ask(server, "/seen", [cookie((name, token))], way).status == 401


# Rotation, time, and how many.


@over
def test_a_login_ends_the_browsers_earlier_session(serve, way):
    server, command = serve()
    first = post_login(server, way=way).cookie()
    second = post_login(server, fields=[cookie(first)], way=way).cookie()
    assert first != second
    assert status(server, first, way=way) == 401 and status(server, second, way=way) == 200
    third = post_login(server, "bob", fields=[cookie(second)], way=way).cookie()
    assert status(server, second, way=way) == 401 and status(server, third, way=way) == 200
    assert [session["user"] for session in command.sessions()] == ["bob"]
    # A failed one ends nothing.
    assert post_login(server, password="wrong", fields=[cookie(third)], way=way).status == 401
    assert status(server, third, way=way) == 200


def answers_until_it_ends(server, token, way, pause):
    """When a session that is used every `pause` seconds counted last, and when it didn't any more."""
    last = time.monotonic()
    while True:
        asked = time.monotonic()
        if status(server, token, way=way) != 200:
            return last, time.monotonic()
        last = asked
        assert last - asked < 15
        time.sleep(pause)


@over
def test_timeout(serve, way):
    server, command = serve("timeout=2s idle=1m")
    before = time.monotonic()
    token = log_in(server)
    after = time.monotonic()
    last, ended = answers_until_it_ends(server, token, way, 0.05)
    assert last <= after + 2.1 and ended >= before + 2 - 0.1
    assert ended - before < 3
    assert command.sessions() == []


@over
def test_idle(serve, way):
    server, _ = serve("timeout=1m idle=2s")
    token = log_in(server)
    # Used, it lasts.
    for _ in range(8):
        time.sleep(0.5)
        assert status(server, token, way=way) == 200
    # A use is noted to the second.
    time.sleep(0.9)
    assert status(server, token, way=way) == 200
    time.sleep(3.05)
    assert status(server, token, way=way) == 401


def test_the_oldest_makes_room(serve):
    server, command = serve("max_concurrent=2 evict=oldest")
    tokens = [log_in(server) for _ in range(2)]
    others = log_in(server, "bob")
    # Used last, so the other is the oldest.
    time.sleep(1.1)
    assert status(server, tokens[0]) == 200
    tokens.append(log_in(server))
    assert [status(server, token) for token in tokens] == [200, 401, 200]
    assert status(server, others) == 200
    assert len(command.sessions("alice")) == 2
    assert any(entry["detail"] == "max_concurrent" for entry in command.audit())


@over
def test_no_further_one_with_evict_refuse(serve, way):
    server, command = serve("max_concurrent=2 evict=refuse")
    tokens = [log_in(server) for _ in range(2)]
    answer = ask(server, "/", [ALICE, *NAVIGATES], way)
    assert answer.status == 403 and not answer.cookie()
    assert "too many sessions" in answer.text
    answer = post_login(server, way=way)
    assert answer.status == 403 and not answer.cookie()
    assert [status(server, token) for token in tokens] == [200, 200]
    # Programs need none, and others have theirs.
    assert ask(server, "/", [ALICE], way).status == 200
    assert log_in(server, "bob")
    # A browser's own makes room for the next it asks for.
    answer = post_login(server, fields=[cookie(tokens[0])], way=way)
    assert answer.status == 303
    assert status(server, tokens[0]) == 401
    # So does a logout.
    ask(server, "/.postern/logout", [cookie(tokens[1])], way, "POST", b"")
    assert log_in(server)
    assert len(command.sessions("alice")) == 2


@over
def test_what_one_password_file_proved(serve, way, tmp_path):
    """Two locations, two files, a user of one name in both: a login for one isn't one for the other."""
    others = tmp_path / "others"
    others.write_text(f"alice:{STORED}\n")
    server, _ = serve(
        server=f"location /other/ {{ auth_basic_user_file {others}; proxy_pass http://gateway; }}",
    )
    token = log_in(server)
    with Client(server, way) as client:
        for _ in range(2):
            assert client.ask("/", [cookie(token)]).status == 200
            assert client.ask("/other/", [cookie(token)]).status == 401
    theirs = ask(server, "/other/", [ALICE, *NAVIGATES], way).cookie()
    assert status(server, theirs, "/other/", way) == 200 and status(server, theirs, way=way) == 401


# Leaving.


@over
def test_logout(serve, way):
    server, command = serve()
    token, another = log_in(server), log_in(server)
    question = ask(server, "/.postern/logout", [cookie(token)], way)
    assert question.status == 200 and '<form method="post" action="/.postern/logout">' in question.text
    assert status(server, token, way=way) == 200, "asking is no logout"
    for fields in ([("Sec-Fetch-Site", "cross-site")], [("Origin", "https://evil.test")]):
        refused = ask(server, "/.postern/logout", [cookie(token), *fields], way, "POST", b"")
        assert refused.status == 403
        assert status(server, token, way=way) == 200
    for method in ("PUT", "DELETE"):
        assert ask(server, "/.postern/logout", [cookie(token)], way, method).status == 405
    with Client(server, way) as client:
        assert client.ask("/", [cookie(token)]).status == 200
        left = client.ask("/.postern/logout", [cookie(token), ("Sec-Fetch-Site", "same-origin")], "POST", b"")
        assert left.status == 200
        value, attributes = left.cookies()[SESSION]
        assert value == "" and {"Max-Age=0", "Path=/", "Secure"} <= set(attributes)
        # On the connection that has proved it, too.
        assert client.ask("/", [cookie(token)]).status == 401
    assert status(server, another, way=way) == 200
    assert len(command.sessions()) == 1
    # Once more does no harm.
    assert ask(server, "/.postern/logout", [cookie(token)], way, "POST", b"").status == 200


# Where a login leads.

ELSEWHERE = [
    "//evil.test/",
    "/\\evil.test/",
    "/\t/evil.test",
    "https://evil.test/",
    "javascript:alert(1)",
    "\\\\evil.test",
    "evil.test",
    "/\r\nSet-Cookie: a=b",
    "/\n",
    "/ /evil",
    "/.postern/login",
    "/.postern/logout",
    "/" + "x" * 3000,
    "/caf\u00e9",
    "",
]


@over
def test_a_login_leads_nowhere_else(serve, way):
    server, _ = serve()
    for target in ELSEWHERE:
        answer = post_login(server, target=target, way=way)
        assert (answer.status, answer.value("Location")) == (303, "/"), target
        assert set(answer.cookies()) == {SESSION, DEVICE}


@over
@pytest.mark.parametrize("target", ["/", "/chat", "/a?b=c&d=e%20f", "/x//y", "/%0d%0a", "/a/../b"])
def test_a_login_leads_where_it_was_asked_for(serve, way, target):
    server, _ = serve()
    page = ask(server, target, NAVIGATES, way)
    assert page.status == 401
    shown = re.search('name="return" value="([^"]*)"', page.text)[1].replace("&amp;", "&")
    assert shown == target
    answer = post_login(server, target=shown, way=way)
    assert (answer.status, answer.value("Location")) == (303, target)


@pytest.mark.parametrize(
    "target", ["//evil.test/", "//evil.test//x", "/\\evil.test", "/.postern/login?return=//evil.test"]
)
def test_the_page_names_nothing_elsewhere(serve, target):
    server, _ = serve()
    with server.connect() as connection:
        page = connection.request("GET", target, NAVIGATES)
    if page.status == 400:
        return
    assert 'name="return" value="/"' in page.text


def test_what_was_typed_is_shown_as_text(serve):
    server, _ = serve()
    answer = post_login(server, '"><script>alert(1)</script>', "wrong")
    assert answer.status == 401 and "<script" not in answer.text
    assert "&quot;&gt;&lt;script&gt;" in answer.text


# With curl, which keeps cookies as browsers do.


@pytest.mark.parametrize("way", ["--http1.1", "--http2"])
def test_curl(serve, authority, way, tmp_path):
    server, command = serve()
    jar = tmp_path / "jar"
    base = f"https://localhost:{server.ports['tls']}"

    def curl(path, *arguments):
        done = subprocess.run(
            ["curl", "-sS", "--noproxy", "*", "--cacert", authority.certificate, "-b", jar, "-c", jar]
            + ["-w", "\n%{http_code} %{http_version} %{url_effective}", way, *arguments, base + path],
            capture_output=True,
            text=True,
            timeout=20,
        )
        assert done.returncode == 0, done.stderr
        body, last = done.stdout.rsplit("\n", 1)
        return body, *last.split()

    assert curl("/chat")[1] == "401"
    page = curl("/chat?x=1", "-H", "Accept: text/html")
    assert page[1] == "401" and 'value="/chat?x=1"' in page[0]
    data = ["-d", "user=alice", "--data-urlencode", "password=password", "--data-urlencode", "return=/chat?x=1"]
    led = curl("/.postern/login", "-L", *data)
    assert led[1] == "200" and led[3] == base + "/chat?x=1"
    assert led[2] == ("2" if way == "--http2" else "1.1")
    assert jar.read_text().count("__Host-postern") == 2
    assert curl("/chat")[1] == "200"
    assert curl("/chat", "-H", "Authorization: Bearer gateway")[1] == "200"
    assert len(command.sessions()) == 1
    assert curl("/.postern/logout", "-d", "")[1] == "200"
    assert curl("/chat")[1] == "401"
    assert command.sessions() == []


def test_without_a_session_nothing_is_set(start, recorder):
    site = Site(upstream=recorder.address, auth=True, users=f"alice:{STORED}\n", native_server="session off;")
    server = start("postern-native", site)
    answer = ask(server, "/", [ALICE, *NAVIGATES])
    assert answer.status == 200 and not answer.values("Set-Cookie")
