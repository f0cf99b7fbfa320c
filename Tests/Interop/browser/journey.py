"""What people do at the door, and what must never happen on the way."""


def log_in(page, user="alice", password="password"):
    """On the page to log in on; ends on the page that this leads to."""
    page.click("#user")
    page.see("document.getElementById('user').select()")
    page.type(user)
    page.press("Tab")
    page.type(password)
    page.submit()


def connected(page):
    """On the gateway's page: waits for its WebSocket."""
    page.wait("document.getElementById('socket-state')?.textContent.startsWith('Connected')", "the page's WebSocket")


def assert_quiet(page, *statuses):
    """No prompt for a password came up, and the console said nothing but that a reply had one of these statuses."""
    assert page.prompts == [], page.prompts
    said = [
        line
        for line in page.console
        if not any(f"responded with a status of {status} " in line for status in statuses)
    ]
    assert said == [], said


def shown(page, name):
    """What the gateway's page says of a field that it was sent."""
    return page.see(
        f"[...document.querySelectorAll('tr')].find(r => r.cells[0].textContent === '{name}')?.cells[1].textContent"
    )
