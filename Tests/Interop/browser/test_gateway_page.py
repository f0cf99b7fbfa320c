"""The gateway's own page behind the door: its fetches, its WebSocket, its streams, what browsers fetch beside it."""

import re
import time

import pytest

from harness.ports import wait_until

from .journey import assert_quiet, connected, log_in, shown
from .looks import picture


def ask(page, prompt, token=""):
    """Has the page ask the gateway, by a fetch with the token as its Bearer, if there is one."""
    page.see(
        f"document.getElementById('chat-token').value = {token!r};"
        f"document.getElementById('chat-text').value = {prompt!r}"
    )
    page.click("#chat-form button")


def test_the_whole_page_works(door, profile):
    page = profile.page()
    page.open(door.url())
    log_in(page)
    assert shown(page, "x-forwarded-user") == "alice"
    assert shown(page, "x-openclaw-scopes") == "operator.read,operator.write,operator.admin"
    assert shown(page, "authorization") == "none"
    connected(page)

    # The page's own Bearer takes nothing away: the cookie proves who it is, and the token is the gateway's affair.
    ask(page, "one two three four five six seven eight nine ten", "the-gateway-s-own-token")
    page.wait("document.getElementById('chat-state').textContent.includes('words')", "the streamed answer")
    words, first, last = map(int, re.findall(r"\d+", page.text_of("#chat-state")))
    assert words >= 10
    # Each word came when the gateway said it, which is one every 60 ms.
    assert last - first >= (words - 2) * 60 * 0.8
    assert page.text_of("#chat-answer").endswith("nine ten")

    page.see("document.getElementById('echo-text').value = 'hello there'")
    page.click("#echo-send")
    page.wait("document.getElementById('echo-log').textContent.includes('you wrote: hello there')", "the echo")
    page.see("scrollTo(0, 0)")
    picture("gateway", page, whole=True)
    # Nothing of Postern's reached the gateway, and nothing kept the page from anything.
    assert_quiet(page, 401)
    bearer = [fields for fields in page.requests if "Bearer the-gateway" in str(fields.get("authorization", ""))]
    assert bearer and "__Host-postern=" in str(bearer[-1].get("cookie", ""))


def test_without_its_cookie_the_same_fetch_fails_without_a_prompt(door, profile):
    """What Basic alone does to such a page: its Bearer would take the login's place."""
    page = profile.page()
    page.open(door.url())
    log_in(page)
    profile.forget_cookies()
    ask(page, "hello", "the-gateway-s-own-token")
    page.wait("document.getElementById('chat-state').textContent.startsWith('Failed')", "the refusal")
    assert page.text_of("#chat-state") == "Failed: the gateway answered 401"
    assert page.prompts == []
    reply = [fields for address, status, fields, _ in page.replies if address.endswith("/completions")][-1]
    assert "www-authenticate" not in {name.lower() for name in reply}


def test_what_is_fetched_without_credentials(door, profile):
    """The manifest, the service worker and icons, opened by name: before the login and after it."""
    page = profile.page()
    for path in ("/manifest.webmanifest", "/sw.js", "/avatar/main"):
        page.open(door.url(path))
        assert page.status(door.url(path)) == 200
    # And nothing beside them.
    for path in ("/manifest.webmanifest/", "/sw.jsx", "/avatar", "/demo.js"):
        page.open(door.url(path))
        assert page.status(door.url(path)) == 401
    page.open(door.url())
    log_in(page)
    manifest = page.command("Page.getAppManifest")
    assert manifest["errors"] == [] and '"Demo gateway"' in manifest["data"]
    page.wait("navigator.serviceWorker.ready.then(() => true)", "the service worker")
    scope = page.see("navigator.serviceWorker.ready.then(r => r.active.scriptURL)")
    assert scope == door.url("/sw.js")
    assert_quiet(page, 401)


def test_what_isn_t_opened_stays_shut(open_door, profile):
    """The other half of the same claim: a browser doesn't send its cookie for the manifest."""
    door = open_door("login_form on;")
    page = profile.page()
    page.open(door.url())
    log_in(page)
    assert page.command("Page.getAppManifest").get("data", "") == ""
    wait_until(lambda: '"GET /manifest.webmanifest HTTP/2.0" 401' in door.read("access.log"), "the refusal in the log")
    assert page.prompts == []


def test_a_revoked_session_loses_what_is_open(door, profile):
    page = profile.page()
    page.open(door.url())
    log_in(page)
    connected(page)
    ask(page, " ".join(["word"] * 400))
    page.wait("document.getElementById('chat-answer').textContent.length > 20", "the first words")
    page.see(
        "window.seen = []; window.state = document.getElementById('socket-state');"
        "new MutationObserver(() => window.seen.push(window.state.textContent))"
        ".observe(window.state, {childList: true, characterData: true, subtree: true})"
    )
    sessions = door.sessions()
    assert [session["user"] for session in sessions] == ["alice"]
    door.run("sessions", "revoke", sessions[0]["id"])
    revoked = time.monotonic()
    page.wait("window.seen.some((text) => text.startsWith('Closed (1008'))", "the page's socket to be closed", 1.0)
    page.wait("document.getElementById('chat-state').textContent.startsWith('Failed')", "the stream to end", 1.0)
    assert time.monotonic() - revoked < 1.0
    assert door.sessions() == []
    # The page tries again, and is refused: without a prompt.
    page.wait("window.seen.some((text) => text.startsWith('Closed (1006'))", "the next attempt to fail", 5)
    page.open(door.url("/?again"))
    assert page.title == "Log in"
    assert "__Host-postern" not in profile.cookies()
    log_in(page)
    assert (page.title, page.address) == ("Demo gateway", door.url("/?again"))
    connected(page)
    assert page.prompts == []
    assert [entry for entry in door.audit() if entry["event"] == "session revoked"][0]["subject"] == sessions[0]["id"]


def test_a_user_s_sessions_end_together(door, profile, other_profile):
    pages = [profile.page(), other_profile.page()]
    for page, user in zip(pages, ("alice", "bob")):
        page.open(door.url())
        log_in(page, user)
        connected(page)
    door.run("sessions", "revoke-user", "bob")
    closed = "document.getElementById('socket-state').textContent.startsWith('Closed')"
    pages[1].wait(closed, "bob's socket to close", 1.0)
    assert pages[0].text_of("#socket-state").startswith("Connected")
    pages[1].open(door.url())
    assert pages[1].title == "Log in"


@pytest.mark.parametrize("lines", ["", "session on same_site=strict;"], ids=["lax", "strict"])
def test_the_prompt_of_basic_mints_a_cookie(open_door, profile, other_profile, lines):
    """Without the form: the browser's own prompt, once; from then on the cookie counts, for the WebSocket too."""
    door = open_door("public /manifest.webmanifest /sw.js /avatar/;\n" + lines)
    page = profile.page(basic=("alice", "password"))
    page.open(door.url())
    assert page.title == "Demo gateway"
    assert page.prompts == [door.url()]
    assert shown(page, "x-forwarded-user") == "alice"
    assert shown(page, "authorization") == "none"
    assert profile.cookies()["__Host-postern"]["sameSite"] == ("Strict" if lines else "Lax")
    connected(page)
    # The page's own Bearer takes the place of Basic.
    ask(page, "one two three", "the-gateway-s-own-token")
    page.wait("document.getElementById('chat-state').textContent.includes('words')", "the streamed answer")
    assert page.prompts == [door.url()]
    # One login, one session: not one for each request.
    assert len(door.sessions()) == 1
    # A browser that sends no Basic with a WebSocket, as Safari: one that has the cookie and never knew the password.
    other_profile.set_cookie(profile.cookies()["__Host-postern"], door.url())
    safari = other_profile.page()
    safari.open(door.url())
    connected(safari)
    assert "authorization" not in {name.lower() for name in safari.upgrades[-1]}
    assert safari.prompts == []
    assert len(door.sessions()) == 1


def test_the_prompt_of_basic_dismissed(open_door, profile):
    door = open_door("")
    page = profile.page()
    page.open(door.url())
    assert page.status(door.url()) == 401
    assert page.prompts == [door.url()]
    assert profile.cookies() == {}
    assert door.sessions() == []
