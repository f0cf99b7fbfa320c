"""Devices: a browser that nobody knows waits by a code until somebody at the machine lets it in."""

import json
import re
import signal
import time

import pytest

from harness.client import basic
from harness.ports import wait_until

from .stage import DEVICE, NAVIGATES, PASSWORD, SESSION, WAYS, ask, cookie, post_login
from .test_revocation import make_key

over = pytest.mark.parametrize("way", WAYS)
PAIRING = "device_pairing on {};"
CODE = "[A-Z0-9]{4}-[A-Z0-9]{4}"


class Browser:
    """A browser that logs in by Basic once, and has its cookies from then on."""

    def __init__(self, server, user="alice", agent="Browser/1", way="http1"):
        self.server, self.way, self.agent = server, way, agent
        self.jar = {}
        self.first = self.open([basic(user, PASSWORD)])

    def open(self, fields=(), target="/"):
        extra = [cookie(*self.jar.items())] if self.jar else []
        answer = ask(self.server, target, [*NAVIGATES, ("User-Agent", self.agent), *extra, *fields], self.way)
        for name, (value, _) in answer.cookies().items():
            self.jar[name] = value
            if not value:
                del self.jar[name]
        self.code = found[0] if (found := re.findall(f"<code>({CODE})</code>", answer.text)) else None
        return answer


def pending(command):
    return [device["code"] for device in command.json("devices", "list")["pending"]]


def approved(command):
    return command.json("devices", "list")["approved"]


@over
def test_a_browser_waits_and_goes_on_by_itself(serve, recorder, way):
    server, command = serve(server=PAIRING.format("timeout=2m"), workers=2)
    browser = Browser(server, way=way, agent="Fox/1 <b>")
    page = browser.first
    assert page.status == 403 and page.value("Content-Type").startswith("text/html")
    assert page.value("Cache-Control") == "no-store" and "default-src 'none'" in page.value("Content-Security-Policy")
    assert '<meta http-equiv="refresh" content="3">' in page.text
    assert "2 minutes" in page.text and f"postern devices approve {browser.code}" in page.text
    # It has a session, which isn't enough, and the code stays as the page goes round.
    code = browser.code
    for _ in range(3):
        assert browser.open().status == 403 and browser.code == code
    assert not recorder.requests, "the gateway knows nothing of it"
    (waiting,) = command.json("devices", "list")["pending"]
    assert (waiting["code"], waiting["user"], waiting["agent"]) == (code, "alice", "Fox/1 <b>")
    assert waiting["address"] == "127.0.0.1"

    said = command("devices", "approve", code).stdout
    assert "approved a device of alice" in said
    page = browser.open()
    assert page.status == 200 and "refresh" not in page.text
    (device,) = approved(command)
    assert device["user"] == "alice" and device["approved_by"] and pending(command) == []
    # By the password as well as by the session, but not from elsewhere.
    kept = cookie((DEVICE, browser.jar[DEVICE]))
    assert ask(server, "/", [basic("alice", PASSWORD), kept], way).status == 200
    assert ask(server, "/", [basic("alice", PASSWORD)], way).status == 403
    assert ask(server, "/", [cookie((SESSION, browser.jar[SESSION]))], way).status == 403


@over
def test_programs_get_json(serve, way):
    server, command = serve(server=PAIRING.format(""))
    for fields in ([], [("Accept", "application/json")], [("Sec-Fetch-Mode", "cors"), ("Accept", "*/*")]):
        answer = ask(server, "/", [basic("alice", PASSWORD), *fields], way)
        assert answer.status == 403 and answer.value("Content-Type") == "application/json"
        told = json.loads(answer.text)
        assert told["status"] == 403 and told["error"] == "device pairing required"
        assert re.fullmatch(CODE, told["code"]) and told["approve"] == f"postern devices approve {told['code']}"
        assert told["request_id"] == answer.value("X-Request-ID")
        assert told["code"] in pending(command)
    # One without a cookie takes the place of the one before: a program that asks often is one device.
    assert len(pending(command)) == 1


@over
def test_a_websocket_waits_too(serve, way):
    from http2.session import Session, ssl_context
    from http2.test_websocket import opened

    server, _ = serve(server=PAIRING.format(""))
    credentials = basic("alice", PASSWORD)
    if way == "http2":
        with Session(server.ports["tls"], ssl_context()) as session:
            assert opened(session, "/", [(credentials[0].lower(), credentials[1])]).status == 403
    else:
        handshake = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
        assert ask(server, "/", [credentials, *handshake, ("Sec-WebSocket-Key", "A" * 22 + "==")]).status == 403


@pytest.mark.parametrize(
    "write",
    [
        lambda code: code,
        lambda code: code.lower(),
        lambda code: code.replace("-", ""),
        lambda code: code.replace("-", "").lower(),
        lambda code: code.replace("-", " "),
    ],
    ids=["as shown", "lower case", "no dash", "neither", "a space"],
)
@pytest.mark.parametrize("action", ["approve", "reject"])
def test_codes_as_people_write_them(serve, write, action):
    server, command = serve(server=PAIRING.format(""))
    browser = Browser(server)
    command("devices", action, write(browser.code))
    assert pending(command) == []
    assert browser.open().status == (200 if action == "approve" else 403)


@pytest.mark.parametrize("action", ["approve", "reject"])
@pytest.mark.parametrize("code", ["ABCD-2345", "x", "ABCD-2345-6", "../etc", "%00", "ABCD\n2345", "é" * 8])
def test_codes_that_nobody_waits_by(serve, code, action):
    server, command = serve(server=PAIRING.format(""))
    browser = Browser(server)
    answer = command("devices", action, code, check=False)
    assert answer.returncode == 1 and "no device waits by the code" in answer.stderr
    assert pending(command) == [browser.code]


def test_rejected_ones_are_told_and_may_ask_anew(serve):
    server, command = serve(server=PAIRING.format(""))
    browser = Browser(server)
    code = browser.code
    assert code in command("devices", "reject", code).stdout
    assert pending(command) == []
    # It is told, once, and waits for somebody to want to ask again: its page doesn't by itself.
    told = browser.open()
    assert told.status == 403 and "was not let in" in told.text and "http-equiv" not in told.text
    assert pending(command) == []
    assert browser.open().status == 403
    assert browser.code not in (None, code) and pending(command) == [browser.code]
    assert command("devices", "approve", code, check=False).returncode == 1


def test_clear(serve):
    server, command = serve(server=PAIRING.format(""))
    in_already = Browser(server, agent="in")
    command("devices", "approve", in_already.code)
    codes = [Browser(server, agent=f"Browser/{number}").code for number in range(3)]
    assert sorted(pending(command)) == sorted(codes)
    command("devices", "clear")
    assert pending(command) == []
    assert in_already.open().status == 200
    command("devices", "clear")


def test_remove(serve):
    server, command = serve(server=PAIRING.format(""))
    browsers = [Browser(server, agent=f"Browser/{number}") for number in range(2)]
    for browser in browsers:
        command("devices", "approve", browser.code)
        assert browser.open().status == 200
    gone = next(device for device in approved(command) if device["agent"] == "Browser/0")
    answer = command("devices", "remove", gone["id"][:4], check=False)
    assert answer.returncode == 1 and "8 digits or more" in answer.stderr
    said = command("devices", "remove", gone["id"][:12]).stdout
    assert "ended 1 session" in said
    assert [device["agent"] for device in approved(command)] == ["Browser/1"]
    assert [browser.open().status for browser in browsers] == [401, 200]
    # After another login it waits like any.
    assert browsers[0].open([basic("alice", PASSWORD)]).status == 403
    assert pending(command) == [browsers[0].code]


@over
def test_the_cookie_is_signed(serve, way):
    server, command = serve(server=PAIRING.format("max_pending=100"))
    browser = Browser(server, way=way)
    command("devices", "approve", browser.code)
    right = browser.jar[DEVICE]
    assert ask(server, "/", [basic("alice", PASSWORD), cookie((DEVICE, right))], way).status == 200
    signed = 64
    for position in range(0, signed, 7):
        changed = right[:position] + ("A" if right[position] != "A" else "B") + right[position + 1 :]
        answer = ask(server, "/", [basic("alice", PASSWORD), cookie((DEVICE, changed))], way)
        assert answer.status == 403, position
        assert answer.cookie(DEVICE) not in (None, changed), "it is another device from now on"
    for odd in ("", "x", right[:40], right[:64], right[1:], "A" * len(right), "A" * 5000):
        answer = ask(server, "/", [basic("alice", PASSWORD), cookie((DEVICE, odd))], way)
        assert answer.status == 403, odd


@over
def test_one_name_for_a_browser(serve, way):
    """The session is on the device that waits: what takes the device away takes it."""
    server, command = serve(server=PAIRING.format(""))
    browser = Browser(server, way=way)
    command("devices", "approve", browser.code)
    assert browser.open().status == 200
    (device,), (session,) = approved(command), command.sessions()
    assert session["device"] == device["id"]


@over
def test_per_user(serve, way):
    server, command = serve(server=PAIRING.format(""))
    browser = Browser(server, "alice", way=way)
    command("devices", "approve", browser.code)
    kept = cookie((DEVICE, browser.jar[DEVICE]))
    assert ask(server, "/", [basic("alice", PASSWORD), kept], way).status == 200
    # Somebody else on the same browser is somebody else.
    answer = ask(server, "/", [basic("bob", PASSWORD), kept], way)
    assert answer.status == 403
    (code,) = pending(command)
    command("devices", "approve", code)
    assert ask(server, "/", [basic("bob", PASSWORD), kept], way).status == 200
    assert ask(server, "/", [basic("alice", PASSWORD), kept], way).status == 200
    assert sorted(device["user"] for device in approved(command)) == ["alice", "bob"]


@over
def test_keys_are_exempt(serve, way):
    server, command = serve(server=PAIRING.format("") + "api_keys {directory}/keys.json;")
    key, _ = make_key(server, "program", "--permission", "read")
    for field in (("X-API-Key", key), ("Authorization", f"Bearer {key}")):
        assert ask(server, "/", [field], way).status == 200
    assert pending(command) == []


def test_over_max_pending_the_oldest_goes(serve):
    server, command = serve(server=PAIRING.format("max_pending=3"))
    browsers = [Browser(server, agent=f"Browser/{number}") for number in range(5)]
    assert sorted(pending(command)) == sorted(browser.code for browser in browsers[2:])
    answer = command("devices", "approve", browsers[0].code, check=False)
    assert answer.returncode == 1 and "no device waits" in answer.stderr
    command("devices", "approve", browsers[4].code)
    assert browsers[4].open().status == 200
    refused = [entry for entry in command.audit() if entry["event"] == "device refused"]
    assert [entry["subject"] for entry in reversed(refused)] == [browsers[0].code, browsers[1].code]
    assert {entry["detail"] for entry in refused} == {"max_pending"}


def test_waiting_ends_by_itself(serve):
    server, command = serve(server=PAIRING.format("timeout=2s"))
    before = time.monotonic()
    browser = Browser(server)
    code = browser.code
    assert re.search(r"within [12] seconds?:", browser.first.text)
    wait_until(lambda: not pending(command), "the end of waiting", 5, 0.05)
    assert 1.9 < time.monotonic() - before < 3.5
    assert command("devices", "approve", code, check=False).returncode == 1
    assert browser.open().status == 403 and browser.code != code


@over
def test_auto_approve(serve, way):
    server, command = serve(server=PAIRING.format("auto_approve=on"))
    browser = Browser(server, way=way)
    assert browser.first.status == 200 and browser.open().status == 200
    (device,) = approved(command)
    assert device["user"] == "alice"
    command("devices", "remove", device["id"])
    assert browser.open().status == 401
    assert "device approved" in [entry["event"] for entry in command.audit()]


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_approved_ones_outlive_the_process(serve, ending):
    server, command = serve(server=PAIRING.format(""), workers=2)
    kept, removed, waiting = (Browser(server, agent=agent) for agent in ("kept", "removed", "waiting"))
    for browser in (kept, removed):
        command("devices", "approve", browser.code)
    time.sleep(0.15)  # For the sessions and the key of the cookies to be on the disk.
    gone = next(device for device in approved(command) if device["agent"] == "removed")
    command("devices", "remove", gone["id"])
    server.signal(ending)
    server.wait_exit()
    server.start_again()
    assert kept.open().status == 200
    assert removed.open().status == 401
    # Whoever waited asks anew; the session is there still.
    assert waiting.open().status == 403 and waiting.code in pending(command)
    assert [device["agent"] for device in approved(command)] == ["kept"]


@over
def test_a_form_login_waits_too(serve, way):
    server, command = serve(server=PAIRING.format(""))
    answer = post_login(server, way=way)
    assert answer.status == 303
    mine = cookie(*((name, value) for name, (value, _) in answer.cookies().items()))
    page = ask(server, "/", [*NAVIGATES, mine], way)
    assert page.status == 403
    (code,) = pending(command)
    assert code in page.text
    command("devices", "approve", code)
    assert ask(server, "/", [*NAVIGATES, mine], way).status == 200
    assert len(command.sessions()) == 1
