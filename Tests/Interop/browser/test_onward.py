"""A gateway that sends the browser on to another host, right after the login."""

import http.server
import threading

import pytest

from harness.ports import wait_until

from .journey import log_in


@pytest.fixture
def onward():
    """A gateway that redirects to what its query names; its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(302)
            self.send_header("Location", self.path.partition("?")[2])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_a_gateway_that_leads_to_another_host(open_door, profile, onward):
    """Chromium holds a form's policy (`form-action`) against all that its answer leads to: docs/access.md says what then."""
    door = open_door(f"login_form on; public /avatar/; location /onward {{ proxy_pass http://127.0.0.1:{onward}; }}")
    elsewhere = f"https://127.0.0.1:{door.port}/avatar/alice"
    page = profile.page()
    page.open(door.url(f"/onward?{elsewhere}"))
    page.type("alice")
    page.press("Tab")
    page.type("password")
    page.press("Enter")
    wait_until(lambda: any("form-action" in line for line in page.console), "the browser to refuse", 10)
    assert page.title == "Log in"
    # The login holds: the same address again leads there.
    assert [session["user"] for session in door.sessions()] == ["alice"]
    page.open(door.url(f"/onward?{elsewhere}"))
    assert page.address == elsewhere
    # On this host the gateway leads wherever it likes.
    other = profile.page()
    other.open(door.url("/.postern/logout"))
    other.click("button", leads=True)
    other.open(door.url("/onward?/avatar/alice"))
    log_in(other)
    assert other.address == door.url("/avatar/alice")
