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
    page.wait("document.querySelector('code')?.textContent.length === 9 && document.title.startsWith('Waiting')", "the code")
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


def test_a_rejected_device_does_not_get_in(door, profile):
    page = profile.page()
    page.open(door.url())
    log_in(page)
    code = waits(page)
    door.run("devices", "reject", code)
    assert door.devices()["pending"] == [] or door.devices()["pending"][0]["code"] != code
    loaded = page.loaded
    wait_until(lambda: page.loaded > loaded, "the page to ask again", 6)
    assert page.title != "Demo gateway"
    assert door.devices()["approved"] == []
    assert ("device refused", code) in [(entry["event"], entry["subject"]) for entry in door.audit()]


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
