"""What the tests with a browser share."""

import json
import os
import signal
import subprocess

import pytest

from harness.ports import accepts, free_ports, wait_until
from harness.process import postern_binary

from .chromium import Chromium, program

ALICE = "alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n"  # "password"
BOB = "bob:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n"

CONFIGURATION = """
worker_processes 2;
error_log error.log info;
state_dir state;
control   unix:{directory}/control.sock;

upstream gateway {{
    server 127.0.0.1:{gateway};
    keepalive 16;
}}

server {{
    listen {port} ssl http2;
    server_name localhost;
    ssl_certificate     tls/cert.pem;
    ssl_certificate_key tls/key.pem;

    auth_basic           "OpenClaw";
    auth_basic_user_file htpasswd;
    gateway_auth         trusted_proxy;
    access_log           access.log combined;
    {lines}

    proxy_pass http://gateway;
}}
"""

#: What most tests want of the door.
FORM = "login_form on;\npublic /manifest.webmanifest /sw.js /avatar/;"


class Door:
    """`postern demo` with a configuration of the test's: a gateway with a page, and Postern before it."""

    def __init__(self, directory, lines):
        self._directory = directory
        (directory / "htpasswd").write_text(ALICE + BOB)
        self.port, gateway = free_ports(2)
        self.configuration = directory / "proxy.conf"
        self.configuration.write_text(
            CONFIGURATION.format(directory=directory, port=self.port, gateway=gateway, lines=lines)
        )
        with open(directory / "output.log", "wb") as output:
            self._process = subprocess.Popen(
                [postern_binary(), "demo", "--port", str(self.port), "--directory", str(directory)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        wait_until(lambda: self._process.poll() is not None or accepts(self.port), "the door to open", 15)
        assert self._process.poll() is None, (directory / "output.log").read_text()

    def url(self, path="/"):
        return f"https://localhost:{self.port}{path}"

    def read(self, name):
        """A file's text: error.log, access.log."""
        file = self._directory / name
        return file.read_text() if file.exists() else ""

    def run(self, *arguments):
        """What `postern ARGUMENTS -c proxy.conf` says; it must succeed."""
        answer = subprocess.run(
            [postern_binary(), *arguments, "-c", self.configuration], capture_output=True, text=True, timeout=20
        )
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout

    def sessions(self):
        """`postern sessions list --json`."""
        return json.loads(self.run("sessions", "list", "--json"))["sessions"]

    def devices(self):
        """`postern devices list --json`."""
        return json.loads(self.run("devices", "list", "--json"))

    def audit(self):
        """`postern audit --json`."""
        return json.loads(self.run("audit", "--json"))["entries"]

    def close(self):
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait(5)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    if not program():
        pytest.skip("no Chromium here")
    browser = Chromium(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@pytest.fixture
def profile(chromium):
    """A browser that nobody has used yet."""
    made = chromium.profile()
    yield made
    made.close()


@pytest.fixture
def other_profile(chromium):
    """Another such browser."""
    made = chromium.profile()
    yield made
    made.close()


@pytest.fixture
def open_door(tmp_path):
    """Starts a door: open_door(lines of its server). It is closed after the test."""
    doors = []

    def open_one(lines=FORM):
        directory = tmp_path / f"door-{len(doors)}"
        directory.mkdir()
        doors.append(Door(directory, lines))
        return doors[-1]

    yield open_one
    for door in doors:
        door.close()


@pytest.fixture
def door(open_door):
    """A door with the page to log in on."""
    return open_door()
