"""The page to log in on, as a browser and its user have it."""

import pytest

from .journey import assert_quiet, connected, log_in
from .looks import assert_legible, picture


def test_in_and_where_it_wanted_to_go(door, profile):
    page = profile.page()
    page.open(door.url("/?wanted=this%20one&x=1"))
    assert page.status(door.url("/?wanted=this%20one&x=1")) == 401
    assert (page.title, page.focused) == ("Log in", "user")
    # The way of somebody without a mouse.
    page.type("alice")
    page.press("Tab")
    assert page.focused == "password"
    page.type("password")
    page.submit()
    assert page.title == "Demo gateway"
    assert page.address == door.url("/?wanted=this%20one&x=1")
    # Going back doesn't lead to the form's answer, and a reload sends no password again.
    page.open(door.url("/?second"))
    assert page.title == "Demo gateway"
    cookie = profile.cookies()["__Host-postern"]
    assert cookie["httpOnly"] and cookie["secure"] and cookie["path"] == "/"
    assert_quiet(page, 401)


def test_its_fields_say_what_they_are(door, profile):
    page = profile.page()
    page.open(door.url())
    assert page.see("document.documentElement.lang") == "en"
    assert page.see("document.querySelectorAll('h1').length") == 1
    labels = page.see(
        "[...document.querySelectorAll('input:not([type=hidden])')]"
        ".map(i => [i.labels[0]?.innerText, i.autocomplete, i.type])"
    )
    assert labels == [["Name", "username", "text"], ["Password", "current-password", "password"]]
    assert page.see("document.querySelector('button').innerText") == "Log in"
    # Nothing runs and nothing is loaded.
    assert page.see("document.scripts.length") == 0
    assert page.see("performance.getEntriesByType('resource').map(e => e.name)") == []
    # What a reader of the screen is told.
    nodes = page.command("Accessibility.getFullAXTree")["nodes"]
    told = {(node["role"]["value"], node.get("name", {}).get("value")) for node in nodes if "role" in node}
    assert {("heading", "Log in"), ("textbox", "Name"), ("textbox", "Password"), ("button", "Log in")} <= told
    assert ("main", "") in told
    assert_quiet(page, 401)


def test_a_wrong_password(door, profile):
    page = profile.page()
    page.open(door.url("/?after"))
    log_in(page, "alice <b>&\"'", "wrong")
    assert page.title == "Log in"
    assert page.text_of("[role=alert]") == "Name or password is wrong."
    assert page.see("document.getElementById('user').value") == "alice <b>&\"'"
    assert page.see("document.getElementById('password').value") == ""
    assert page.focused == "password"
    assert profile.cookies() == {}
    assert_legible(page)
    log_in(page)
    assert (page.title, page.address) == ("Demo gateway", door.url("/?after"))
    assert_quiet(page, 401)


def test_light_and_dark_and_narrow(door, profile):
    page = profile.page()
    page.open(door.url())
    assert_legible(page)
    picture("login-light", page)
    page.scheme("dark")
    picture("login-dark", page)
    page.scheme("light")
    log_in(page, password="wrong")
    picture("login-wrong", page)
    assert_quiet(page, 401)


def test_without_script(door, profile):
    """The whole way with scripts turned off: in, past a mistake, and out again."""
    page = profile.page(script=False)
    page.open(door.url("/?plain"))
    page.type("alice")
    page.press("Tab")
    page.type("wrong")
    page.submit()
    assert page.text_of("[role=alert]") == "Name or password is wrong."
    assert page.focused == "password"
    page.type("password")
    page.click("button", leads=True)
    assert (page.title, page.address) == ("Demo gateway", door.url("/?plain"))
    # The page's own script has not run: scripts are off indeed.
    assert page.text_of("#socket-state") == "Not connected"
    page.open(door.url("/.postern/logout"))
    page.click("button", leads=True)
    assert page.title == "You are logged out"
    page.click("button", leads=True)
    assert page.title == "Log in"
    assert page.prompts == []


def test_the_policy_holds(door, profile):
    """A script that got into the page would not run; the page's own style is let in by its hash."""
    page = profile.page()
    page.open(door.url())
    assert page.see("getComputedStyle(document.querySelector('main')).maxWidth") == "384px"
    assert page.console == [line for line in page.console if "status of 401" in line]
    page.see(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        " document.body.append(s); const i = new Image(); i.src = '/avatar/main'; document.body.append(i) })()"
    )
    page.wait("true", "the page")
    assert page.see("window.ran ?? null") is None
    page.wait("document.images[0].complete", "the image to be refused")
    assert page.see("document.images[0].naturalWidth") == 0
    assert any("Content Security Policy" in line for line in page.console)


def test_the_locked_are_told_how_long(open_door, profile):
    door = open_door("login_form on; auth_failures rate=3r/m lock=5m;")
    page = profile.page()
    page.open(door.url())
    for _ in range(3):
        log_in(page, password="wrong")
    log_in(page)
    assert page.text_of("[role=alert]") == "Too many wrong attempts. Try again in 5 minutes."
    assert page.see("document.getElementById('user').value") == "alice"
    assert_legible(page)
    picture("login-locked", page)
    assert "alice" in door.run("locked", "list")
    door.run("locked", "clear")
    log_in(page)
    assert page.title == "Demo gateway"
    assert_quiet(page, 401, 429)


def test_logging_out(door, profile):
    page, beside = profile.page(), profile.page()
    page.open(door.url())
    log_in(page)
    beside.open(door.url())
    connected(beside)
    page.open(door.url("/.postern/logout"))
    assert page.title == "Log out?"
    assert_legible(page)
    picture("logout-asked", page, 360)
    page.click("button", leads=True)
    assert page.title == "You are logged out"
    assert_legible(page)
    picture("logout", page, 360)
    assert "__Host-postern" not in profile.cookies()
    # What another tab has open ends with the session.
    beside.wait("document.getElementById('socket-state').textContent.startsWith('Closed')", "the socket to close", 1.5)
    page.click("button", leads=True)
    assert page.title == "Log in"
    assert_quiet(page, 401)


@pytest.mark.parametrize("same_site", ["lax", "strict"])
def test_a_link_from_elsewhere(open_door, profile, same_site):
    """A page of another site leads here: a strict cookie stays behind, and a login counts nevertheless."""
    door = open_door(f"login_form on; session on same_site={same_site};")
    page = profile.page()
    elsewhere = f"data:text/html,<a href='{door.url('/?linked')}'>there</a>"
    page.open(elsewhere)
    page.click("a", leads=True)
    assert page.title == "Log in"
    log_in(page)
    assert (page.title, page.address) == ("Demo gateway", door.url("/?linked"))
    connected(page)
    page.open(elsewhere)
    page.click("a", leads=True)
    assert page.title == ("Demo gateway" if same_site == "lax" else "Log in")
    # That costs nobody their session.
    page.open(door.url("/?direct"))
    assert page.title == "Demo gateway"
    assert len(door.sessions()) == 1
    assert page.prompts == []


@pytest.mark.parametrize(
    "target", ["//elsewhere.example/", "/\\elsewhere.example", "https://elsewhere.example/", "javascript:alert(1)"]
)
def test_a_login_leads_nowhere_else(door, profile, target):
    """Whatever the form is made to say."""
    page = profile.page()
    page.open(door.url())
    page.see(f"document.querySelector('[name=return]').value = {target!r}")
    log_in(page)
    assert page.address == door.url("/")
    assert page.title == "Demo gateway"
