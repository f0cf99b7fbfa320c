"""A browser that nobody knows yet waits with a code, until somebody at the machine lets it in."""

import pytest

from harness.ports import wait_until

from .journey import connected, log_in, shown
from .looks import assert_legible, picture

PAIRING = "login_form on; device_pairing on timeout=300s max_pending=5;\npublic /manifest.webmanifest /sw.js /avatar/;"


@pytest.fixture
def door(open_door):
    return open_door(PAIRING)


def waits(page):
    """Waits for the page with the code; the code."""
    is_shown = "document.title.startsWith('Waiting') && document.querySelector('code').textContent.length === 9"
    page.wait(is_shown, "the code")
    return page.text_of("code")


def test_a_second_device_waits_and_goes_on_by_itself(door, profile, other_profile):
    first = profile.page()
    first.open(door.url())
    log_in(first)
    code = waits(first)
    listed = door.devices()
    assert [(device["code"], device["user"]) for device in listed["pending"]] == [(code, "alice")]
    door.run("devices", "approve", code)
    first.wait("document.title === 'Demo gateway'", "the first device to go on", 6)
    connected(first)

    # The same user elsewhere: a password alone is not enough. No script is needed to wait.
    second = other_profile.page(script=False)
    second.open(door.url("/?wanted"))
    log_in(second)
    other = waits(second)
    assert other != code
    assert second.status(door.url("/?wanted")) == 403
    assert f"postern devices approve {other}" in second.text
    assert_legible(second)
    picture("device", second, 520)
    # It asks again and again, and keeps its code; what it must not see, it doesn't.
    loaded = second.loaded
    wait_until(lambda: second.loaded > loaded + 1, "the page to ask again by itself", 10)
    assert waits(second) == other
    second.open(door.url("/demo.js"))
    assert second.status(door.url("/demo.js")) == 403
    second.open(door.url("/?wanted"))
    door.run("devices", "approve", other.lower().replace("-", ""))
    second.wait("document.title === 'Demo gateway'", "the second device to go on", 6)
    assert second.address == door.url("/?wanted")
    assert shown(second, "x-forwarded-user") == "alice"
    assert len(door.devices()["approved"]) == 2
    # The first was never disturbed.
    assert first.text_of("#socket-state").startswith("Connected")
    assert first.prompts == second.prompts == []

    # Taken back: its sessions end, and what it has open.
    sessions = door.sessions()
    mine, others = door.devices()["approved"]
    assert {session["device"] for session in sessions} == {mine["id"], others["id"]}
    door.run("devices", "remove", mine["id"][:8])
    assert [session["device"] for session in door.sessions()] == [others["id"]]
    first.wait("document.getElementById('socket-state').textContent.startsWith('Closed')", "its socket to close", 1.0)
    first.open(door.url())
    assert first.title == "Log in"


def test_an_approved_device_stays_known(door, profile):
    """After a logout, and for its next login."""
    page = profile.page()
    page.open(door.url())
    log_in(page)
    door.run("devices", "approve", waits(page))
    page.wait("document.title === 'Demo gateway'", "the device to go on", 6)
    page.open(door.url("/.postern/logout"))
    page.click("button", leads=True)
    page.click("button", leads=True)
    log_in(page)
    assert page.title == "Demo gateway"
    # For another user of the same browser it is another question.
    page.open(door.url("/.postern/logout"))
    page.click("button", leads=True)
    page.click("button", leads=True)
    log_in(page, "bob")
    waits(page)


def test_a_rejected_device_is_told_and_asks_no_more_by_itself(door, profile):
    page = profile.page(script=False)
    page.open(door.url("/?wanted"))
    log_in(page)
    code = waits(page)
    door.run("devices", "reject", code)
    page.wait("document.title === 'This browser was not let in'", "the page to say so", 6)
    assert page.status(door.url("/?wanted")) == 403
    assert page.see("document.querySelector('meta[http-equiv]')") is None
    assert door.devices() == {"pending": [], "approved": []}
    assert ("device refused", code) in [(entry["event"], entry["subject"]) for entry in door.audit()]
    assert_legible(page)
    picture("device-refused", page, 360)
    # Somebody has to want to try again: then it waits with another code.
    page.click("a", leads=True)
    assert page.address == door.url("/?wanted")
    again = waits(page)
    assert again != code
    door.run("devices", "approve", again)
    page.wait("document.title === 'Demo gateway'", "the device to go on", 6)


def test_one_more_than_may_wait(open_door, profile, other_profile):
    """The one that waits longest is refused, and doesn't push the other out in turn."""
    door = open_door(PAIRING.replace("max_pending=5", "max_pending=1"))
    first, second = profile.page(), other_profile.page()
    first.open(door.url())
    log_in(first)
    waits(first)
    second.open(door.url())
    log_in(second, "bob")
    code = waits(second)
    first.wait("document.title === 'This browser was not let in'", "the first to be refused", 6)
    loaded = second.loaded
    wait_until(lambda: second.loaded > loaded, "the page to ask again by itself", 6)
    assert waits(second) == code
    assert [device["code"] for device in door.devices()["pending"]] == [code]


def test_with_the_prompt_of_basic(open_door, profile):
    """The cookies of the login and of the device come with one reply, and belong together."""
    door = open_door("device_pairing on;")
    page = profile.page(basic=("alice", "password"))
    page.open(door.url())
    code = waits(page)
    loaded = page.loaded
    wait_until(lambda: page.loaded > loaded, "the page to ask again", 6)
    assert waits(page) == code
    door.run("devices", "approve", code)
    page.wait("document.title === 'Demo gateway'", "the device to go on", 6)
    assert [session["device"] for session in door.sessions()] == [door.devices()["approved"][0]["id"]]
    assert len(page.prompts) == 1


def test_a_session_is_no_device(door, profile, other_profile):
    """A session's cookie that somebody took away with them lets no other browser in."""
    page = profile.page()
    page.open(door.url())
    log_in(page)
    door.run("devices", "approve", waits(page))
    page.wait("document.title === 'Demo gateway'", "the device to go on", 6)
    other_profile.set_cookie(profile.cookies()["__Host-postern"], door.url())
    stranger = other_profile.page()
    stranger.open(door.url())
    waits(stranger)
    assert len(door.devices()["pending"]) == 1
