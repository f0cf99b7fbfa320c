"""The gateway guide's whole journey, step by step, with Postern where the guide has Nginx or nothing at all.

What stands in capitals is the guide's own, word for word. Each step goes on from what the one before it left.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import time

import pytest

from harness.client import basic
from harness.ports import wait_until
from harness.process import REPOSITORY, nginx_binary
from harness.site import Site
from harness.websocket import WebSocket
from test_nginx_files import CorrectedSite, GuideSite

API_KEYS = """{
"keys": [
{
"id": "prod-key-1",
"key": "sk-prod-abcdefghijklmnopqrstuvwxyz1234567890",
"name": "Production Application",
"permissions": ["read", "write", "execute-actions"],
"created_at": "2026-02-13T00:00:00.000Z",
"expires_at": null,
"rate_limit": 1000
},
{
"id": "dev-key-1",
"key": "sk-dev-abcdefghijklmnopqrstuvwxyz0987654321",
"name": "Development Access",
"permissions": ["read"],
"created_at": "2026-02-13T00:00:00.000Z",
"expires_at": "2026-03-13T00:00:00.000Z",
"rate_limit": 100
}
]
}
"""
PRODUCTION = "sk-prod-abcdefghijklmnopqrstuvwxyz1234567890"
DEVELOPMENT = "sk-dev-abcdefghijklmnopqrstuvwxyz0987654321"

ENVIRONMENT = """# Gateway access token (required)
OPENCLAW_GATEWAY_TOKEN={token}
# Gateway port
OPENCLAW_GATEWAY_PORT=18789
OPENCLAW_BRIDGE_PORT=18790
# Bind address: "lan" for all interfaces, "loopback" for localhost only
OPENCLAW_GATEWAY_BIND=loopback
"""

SECRETS = """ANTHROPIC_API_KEY=sk-ant-your-key-here
OPENAI_API_KEY=sk-your-key-here
OPENCLAW_GATEWAY_TOKEN={token}
"""

LIMITS = """    limit_req             rate=10r/s  burst=20  per=ip;
    limit_req             rate=100r/s burst=200 per=server;"""

PAIRING = "device_pairing        on timeout=5m max_pending=5;"

#: The design's native file for the guide's set-up, whole; a step puts other words in place of some.
NATIVE = f"""
state_dir {{etc}}/state;
control unix:{{etc}}/control.sock;

server {{
    listen {{tls}} ssl http2;
    listen {{plain}} redirect;
    server_name           openclaw.example.com;
    ssl_certificate       {{certificate}};
    ssl_certificate_key   {{key}};

    auth_basic            "OpenClaw";
    auth_basic_user_file  {{etc}}/htpasswd;
    api_keys              {{etc}}/api_keys.json;
    session               timeout=2h max_concurrent=10 same_site=strict;
    {PAIRING}

{LIMITS}

    health                /health;
    proxy_pass            http://{{upstream}};
    gateway_auth          bearer env:OPENCLAW_GATEWAY_TOKEN;
}}
"""


class NativeSite(Site):
    """NATIVE, with other words in place of some: `swaps`."""

    def __init__(self, etc, swaps=(), **options):
        super().__init__(**options)
        self._etc, self._swaps = etc, dict(swaps)

    def _native(self):
        text = NATIVE
        for old, new in self._swaps.items():
            assert old in text, old
            text = text.replace(old, new)
        return self._main() + text.replace("{etc}", str(self._etc))


class Browser:
    """Keeps cookies, as a browser does, and says that it opens a page."""

    NAVIGATION = [("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Site", "none"), ("Accept", "text/html")]

    def __init__(self, server, user=None, password="password"):
        self._server = server
        self._login = [basic(user, password)] if user else []
        self.cookies = {}
        self.lines = []

    def open(self, target="/", fields=(), method="GET"):
        """Opens a page; with its login, if it was given one, for as long as it has no session."""
        has_session = "__Host-postern" in self.cookies
        fields = [*self.NAVIGATION, *fields, *([] if has_session else self._login)]
        if self.cookies:
            fields.append(("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items())))
        answer = self._server.get(target, fields, method=method)
        for line in answer.values("Set-Cookie"):
            self.lines.append(line)
            name, value = line.split(";")[0].split("=", 1)
            if value:
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return answer

    @property
    def code(self):
        """The code that it shows while it waits."""
        return re.search(r"postern devices approve ([A-Z0-9]{4}-[A-Z0-9]{4})", self.open().text)[1]


@pytest.fixture
def etc(tmp_path):
    directory = tmp_path / "etc"
    directory.mkdir()
    return directory


def run(*command, check=True, **options):
    return subprocess.run(
        [str(word) for word in command], check=check, capture_output=True, text=True, timeout=60, **options
    )


def test_the_guides_journey(tmp_path, etc, start, recorder, postern, monkeypatch):
    recorder.on("/ws", lambda exchange: exchange.echo_websocket())
    journey = Journey(tmp_path, etc, start, recorder, postern, monkeypatch)
    journey.makes_a_token()
    journey.writes_the_environment()
    journey.makes_users()
    journey.runs_the_guides_nginx_file()
    journey.runs_the_corrected_file()
    journey.writes_api_keys()
    journey.starts_the_native_file()
    journey.sees_the_headers()
    journey.sees_what_the_gateway_is_told()
    journey.calls_with_api_keys()
    journey.hashes_the_keys()
    journey.pairs_devices()
    journey.rejects_and_clears_devices()
    journey.is_held_to_sessions()
    journey.is_limited_by_the_second()
    journey.is_limited_by_the_hour()
    journey.encrypts_secrets()
    journey.rotates_the_token()
    journey.reads_what_went_wrong()


class Journey:
    USER, OTHER, PASSWORD = "openclaw-user", "another-user", "password"

    def __init__(self, tmp_path, etc, start, recorder, postern, monkeypatch):
        self.directory, self.etc = tmp_path, etc
        self._start, self.recorder, self.postern, self._monkeypatch = start, recorder, postern, monkeypatch

    def ok(self, *arguments):
        """What a command says, which must succeed."""
        answer = self.postern(*arguments)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout

    def control(self, *arguments):
        return self.ok(*arguments, "--socket", self.etc / "control.sock")

    def listed(self, *arguments):
        return json.loads(self.control(*arguments, "--json"))

    def configure(self, swaps):
        """Another native configuration, taken over by a reload; the limits of before are out of the way."""
        self.native.rewrite(NativeSite(self.etc, swaps, upstream=self.recorder.address))
        self.native.reload()

    # Generate a strong random token for gateway authentication.

    def makes_a_token(self):
        self.token = self.ok("token").strip()
        assert re.fullmatch(r"[0-9a-f]{64}", self.token)
        assert self.ok("token").strip() != self.token
        assert len(base64.b64decode(self.ok("token", "--base64").strip(), validate=True)) == 32

    def writes_the_environment(self):
        file = self.etc / ".env"
        file.write_text(ENVIRONMENT.format(token=self.token))
        # "Verify token is set".
        said = run("sh", "-c", f"set -a; . {file}; sh -c 'echo $OPENCLAW_GATEWAY_TOKEN'").stdout
        assert said.strip() == self.token
        self._monkeypatch.setenv("OPENCLAW_GATEWAY_TOKEN", self.token)

    # Install apache2-utils. Create htpasswd file. Add additional users.

    def makes_users(self):
        self.htpasswd = self.etc / "htpasswd"
        if shutil.which("htpasswd"):
            run("htpasswd", "-ic", self.htpasswd, self.USER, input=self.PASSWORD)
            run("htpasswd", "-i", self.htpasswd, self.OTHER, input=self.PASSWORD)
            assert self.htpasswd.read_text().count(":$apr1$") == 2
        else:
            for user in (self.USER, self.OTHER):
                answer = self.postern("user", "add", self.htpasswd, user, "--stdin", stdin=self.PASSWORD)
                assert answer.returncode == 0, answer.stderr
        assert self.ok("user", "list", self.htpasswd).count("-user") == 2
        self.login = basic(self.USER, self.PASSWORD)

    # Create an Nginx configuration with basic authentication.

    def _holds_what_nginx_file_promises(self, server, status_when_limited):
        refused = server.get()
        assert refused.status == 401
        assert refused.value("WWW-Authenticate") == 'Basic realm="OpenClaw Authentication"'
        assert server.get(fields=[basic(self.USER, "wrong")]).status == 401
        for user in (self.USER, self.OTHER):
            passed = server.get("/", [basic(user, self.PASSWORD)])
            assert passed.status == 200
        assert passed.value("X-Frame-Options") == "DENY"
        assert passed.value("X-Content-Type-Options") == "nosniff"
        assert passed.value("Strict-Transport-Security") == "max-age=31536000; includeSubDomains"
        health = server.get("/health")
        assert (health.status, health.body) == (200, b"healthy\n")
        with server.connect("plain") as connection:
            redirect = connection.request(target="/a?b")
        assert (redirect.status, redirect.value("Location")) == (301, "https://openclaw.yourdomain.com/a?b")
        with WebSocket(f"wss://localhost:{server.ports['tls']}/ws", server.context, dict([self.login])) as socket:
            assert socket.echo("hello") == "hello"
        # "Rate limiting": 10 in a second, and a burst of 20.
        answers = self._hurry(server, self.login)
        assert {answer.status for answer in answers} == {200, status_when_limited}

    @staticmethod
    def _hurry(server, field):
        """The answers to 60 requests at once, of which no more pass than 10 a second and a burst of 20 let."""
        begun = time.monotonic()
        with server.connect() as connection:
            answers = [connection.request(fields=[field]) for _ in range(60)]
        passed = sum(answer.status == 200 for answer in answers)
        # What was asked just before counts as well, hence less than 21.
        assert 10 <= passed <= 21 + 10 * (time.monotonic() - begun) + 1
        return answers

    def runs_the_guides_nginx_file(self):
        users = self.htpasswd.read_text()
        server = self._start("postern-nginx", GuideSite(upstream=self.recorder.address, auth=True, users=users))
        self._holds_what_nginx_file_promises(server, 503)
        # What is wrong with it is said, by its line.
        said = self.postern("check", "-c", server.config)
        assert said.returncode == 0
        for words in ("limit_req_zone", "X-Forwarded-For is passed on", "X-Frame-Options"):
            assert re.search(rf"server.conf:\d+:\d+: warning: .*{words}", said.stdout + said.stderr), said.stderr
        if os.path.exists(nginx_binary()):
            refused = run(nginx_binary(), "-t", "-c", server.config, check=False)
            assert refused.returncode != 0
            assert '"limit_req_zone" directive is not allowed here' in refused.stderr
        server.stop()

    def runs_the_corrected_file(self):
        users = self.htpasswd.read_text()
        server = self._start("postern-nginx", CorrectedSite(upstream=self.recorder.address, auth=True, users=users))
        self._holds_what_nginx_file_promises(server, 429)
        if os.path.exists(nginx_binary()):
            assert run(nginx_binary(), "-t", "-c", server.config, check=False).returncode == 0
        server.stop()

    # Create an API key configuration file.

    def writes_api_keys(self):
        self.keys = self.etc / "api_keys.json"
        self.keys.write_text(API_KEYS)
        self.keys.chmod(0o600)
        listed = self.postern("key", "list", self.keys)
        assert listed.returncode == 0
        assert "prod-key-1" in listed.stdout and "dev-key-1" in listed.stdout
        for secret in (PRODUCTION, DEVELOPMENT):
            assert secret not in listed.stdout + listed.stderr
        assert listed.stderr.count("in the clear") >= 1 and "postern key hash" in listed.stderr

    # And now without Nginx.

    def starts_the_native_file(self):
        self.native = self._start("postern-native", NativeSite(self.etc, upstream=self.recorder.address))
        said = self.postern("check", "-c", self.native.config)
        assert said.returncode == 0, said.stdout + said.stderr
        assert "in the clear" in said.stdout + said.stderr
        assert (self.etc / "state").stat().st_mode & 0o777 == 0o700
        assert (self.etc / "control.sock").stat().st_mode & 0o777 == 0o600
        assert self.native.get("/health").body == b"healthy\n"
        with self.native.connect("plain") as connection:
            redirect = connection.request(target="/a?b", host="openclaw.example.com")
        assert redirect.status in (301, 308)
        assert re.fullmatch(r"https://openclaw\.example\.com(:\d+)?/a\?b", redirect.value("Location"))
        self.configure({LIMITS: ""})

    def sees_the_headers(self):
        for answer in (self.native.get(), self.native.get(fields=[("X-API-Key", PRODUCTION)])):
            assert answer.value("X-Frame-Options") == "DENY"
            assert answer.value("X-Content-Type-Options") == "nosniff"
            assert answer.value("Strict-Transport-Security").startswith("max-age=31536000")

    def sees_what_the_gateway_is_told(self):
        liar = [("X-Forwarded-For", "9.9.9.9"), ("X-Real-IP", "9.9.9.9"), ("X-Forwarded-Proto", "http")]
        assert self.native.get("/told", [("Authorization", f"Bearer {PRODUCTION}"), *liar]).status == 200
        told = self.recorder.last("/told")
        assert told.values("Authorization") == [f"Bearer {self.token}"]
        assert told.values("X-Forwarded-For") == ["127.0.0.1"]
        assert told.values("X-Real-IP") == ["127.0.0.1"]
        assert told.values("X-Forwarded-Proto") == ["https"]
        assert told.value("Host") == "localhost"
        assert PRODUCTION.encode() not in told.head

    def calls_with_api_keys(self):
        key = ("X-API-Key", PRODUCTION)
        for method, target in (("GET", "/v1/models"), ("POST", "/v1/chat/completions"), ("POST", "/tools/invoke")):
            assert self.native.get(target, [key], method=method).status == 200
        assert PRODUCTION.encode() not in self.recorder.last("/tools/invoke").head
        with WebSocket(f"wss://localhost:{self.native.ports['tls']}/ws", self.native.context, dict([key])) as socket:
            assert socket.echo("hello") == "hello"
        # The guide's second key has ended in March.
        expired = self.native.get("/", [("Authorization", f"Bearer {DEVELOPMENT}")])
        assert expired.status == 401 and "expired" in expired.text
        assert self.native.get("/", [("X-API-Key", PRODUCTION + "x")]).status == 401
        # "permissions": ["read"], "rate_limit".
        added = json.loads(
            self.ok("key", "add", self.keys, "--name", "Reader", "--permission", "read", "--rate", "3", "--json")
        )
        reader = ("X-API-Key", added["key"])
        wait_until(lambda: self.native.get("/", [reader], method="POST").status == 403, "the new key to count", 5, 0.3)
        self.ok("key", "revoke", self.keys, added["id"])
        added = json.loads(
            self.ok("key", "add", self.keys, "--name", "Other", "--permission", "read", "--rate", "3", "--json")
        )
        reader = ("X-API-Key", added["key"])
        answers = []

        def counts():
            answers.append(self.native.get("/", [reader]))
            return answers[-1].status != 401

        wait_until(counts, "the new key to count", 5, 0.3)
        answers = [answers[-1]] + [self.native.get("/", [reader]) for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429]
        assert 0 < int(answers[-1].value("Retry-After")) <= 3600
        # A mistyped key is told from one that nobody has.
        mistyped = added["key"][:-1] + ("A" if added["key"][-1] != "A" else "B")
        assert "mistyped" in self.native.get("/", [("X-API-Key", mistyped)]).text

    def hashes_the_keys(self):
        self.ok("key", "hash", self.keys)
        text = self.keys.read_text()
        assert PRODUCTION not in text and DEVELOPMENT not in text
        assert self.keys.stat().st_mode & 0o777 == 0o600
        kept = {key["id"]: key for key in json.loads(text)["keys"]}
        assert kept["prod-key-1"]["name"] == "Production Application"
        assert kept["dev-key-1"]["expires_at"] == "2026-03-13T00:00:00.000Z"
        assert kept["prod-key-1"]["hash"].startswith("sha256:")
        assert self.native.get("/", [("X-API-Key", PRODUCTION)]).status == 200
        assert "in the clear" not in self.postern("key", "list", self.keys).stderr

    # "pairingRequired": true, "autoApprove": false, "pairingTimeout": 300, "maxPendingPairings": 5

    def pairs_devices(self):
        # A password is right and isn't enough.
        program = self.native.get("/v1/models", [self.login])
        assert program.status == 403
        assert re.fullmatch(r"[A-Z0-9]{4}-[A-Z0-9]{4}", json.loads(program.text)["code"])
        assert self.native.get("/v1/models").status == 401
        browser = self.browser = Browser(self.native, self.USER)
        assert browser.open().status == 403
        code = browser.code
        # List pending pairings; approve a pairing.
        assert code in self.control("devices", "list")
        pending = {device["code"]: device for device in self.listed("devices", "list")["pending"]}
        assert pending[code]["user"] == self.USER
        assert browser.open().status == 403
        self.control("devices", "approve", code)
        assert browser.open("/in").status == 200
        told = self.recorder.last("/in")
        assert told.values("Authorization") == [f"Bearer {self.token}"]
        assert b"__Host-postern" not in told.head
        approved = self.listed("devices", "list")["approved"]
        assert [device["user"] for device in approved] == [self.USER]
        # It stays approved, over a restart too.
        self.native.stop()
        self.native._start()
        assert browser.open().status == 200

    def rejects_and_clears_devices(self):
        other = Browser(self.native, self.OTHER)
        other.open()
        code = other.code
        self.control("devices", "reject", code)
        assert code not in self.control("devices", "list")
        refused = self.postern("devices", "approve", code, "--socket", self.etc / "control.sock")
        assert refused.returncode != 0 and code in refused.stderr
        self.control("devices", "clear")
        waiting = []
        for _ in range(6):
            waiting.append(Browser(self.native, self.OTHER))
            waiting[-1].open()
            waiting[-1].open()
        pending = [device["code"] for device in self.listed("devices", "list")["pending"]]
        assert len(pending) == 5
        # The oldest had to go, not the newest.
        assert waiting[-1].code in pending and pending[-1] == waiting[-1].code
        self.control("devices", "clear")
        assert self.listed("devices", "list")["pending"] == []
        assert waiting[1].open().status == 403
        # A request that nobody answers ends by itself.
        self.configure({LIMITS: "", "timeout=5m": "timeout=1s"})
        self.control("devices", "clear")
        late = Browser(self.native, self.OTHER)
        late.open()
        assert len(self.listed("devices", "list")["pending"]) == 1
        wait_until(lambda: self.listed("devices", "list")["pending"] == [], "the request to expire", 5, 0.1)
        self.configure({LIMITS: "", PAIRING: ""})

    # "timeout": 7200, "maxConcurrent": 10, "secure": true, "sameSite": "strict"

    def is_held_to_sessions(self):
        browsers = [Browser(self.native, self.OTHER) for _ in range(11)]
        for browser in browsers:
            assert browser.open().status == 200
        cookie = next(line for line in browsers[0].lines if line.startswith("__Host-postern="))
        for word in ("Max-Age=7200", "Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
            assert f"; {word}" in cookie
        mine = [session for session in self.listed("sessions", "list")["sessions"] if session["user"] == self.OTHER]
        assert len(mine) == 10
        for browser in browsers:
            browser._login = []
        assert [browser.open().status for browser in browsers] == [401] + [200] * 10
        self.control("sessions", "revoke", mine[0]["id"])
        assert sum(browser.open().status == 200 for browser in browsers) == 9
        self.control("sessions", "revoke-user", self.OTHER)
        assert sum(browser.open().status == 200 for browser in browsers) == 0
        # The timeout, in short.
        self.configure({LIMITS: "", PAIRING: "", "timeout=2h": "timeout=2s"})
        short = Browser(self.native, self.OTHER)
        assert short.open().status == 200
        short._login = []
        with WebSocket(self._ws, self.native.context, self._cookies(short)) as socket:
            assert socket.echo("hello") == "hello"
            with pytest.raises(Exception):
                socket.recv()
            assert socket.close_code == 1008
        assert short.open().status == 401

    @property
    def _ws(self):
        return f"wss://localhost:{self.native.ports['tls']}/ws"

    @staticmethod
    def _cookies(browser):
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}

    # "In Nginx": 10r/s with a burst of 20. "requests": 100, "windowMs": 3600000, "perIp": true, "perUser": true

    def is_limited_by_the_second(self):
        self.configure({})
        answers = self._hurry(self.native, ("X-API-Key", PRODUCTION))
        assert {answer.status for answer in answers} == {200, 429}
        assert next(answer for answer in answers if answer.status == 429).value("Retry-After") == "1"

    def is_limited_by_the_hour(self):
        for per in ("user", "ip"):
            self.configure({LIMITS: f"    limit_req rate=100r/h per={per};", PAIRING: ""})
            with self.native.connect() as connection:
                answers = [connection.request(fields=[self.login]) for _ in range(110)]
                assert [answer.status for answer in answers] == [200] * 100 + [429] * 10
                assert 30 <= int(answers[-1].value("Retry-After")) <= 36
                other = connection.request(fields=[basic(self.OTHER, self.PASSWORD)]).status
                assert other == (200 if per == "user" else 429)
        assert self.native.get("/health").status == 200

    # Encrypt secrets with age. Decrypt when needed.

    def encrypts_secrets(self):
        self._swaps = {
            LIMITS: "",
            "state_dir": f"secrets {self.etc}/.secrets.age identity={self.etc}/key.txt;\nstate_dir",
            "env:OPENCLAW_GATEWAY_TOKEN": "secret:OPENCLAW_GATEWAY_TOKEN",
        }
        if not shutil.which("age"):
            self._swaps["/.secrets.age identity={}/key.txt".format(self.etc)] = "/.secrets"
            (self.etc / ".secrets").write_text(SECRETS.format(token=self.token))
            (self.etc / ".secrets").chmod(0o600)
        else:
            run("age-keygen", "-o", self.etc / "key.txt")
            recipient = run("age-keygen", "-y", self.etc / "key.txt").stdout
            (self.etc / "recipients.txt").write_text(recipient)
            self._encrypt(self.token)
            assert self.token.encode() not in (self.etc / ".secrets.age").read_bytes()
        self._monkeypatch.delenv("OPENCLAW_GATEWAY_TOKEN")
        self.configure(self._swaps)
        assert self._told() == f"Bearer {self.token}"

    def _encrypt(self, token):
        clear, hidden = self.etc / ".secrets", self.etc / ".secrets.age.new"
        clear.write_text(SECRETS.format(token=token))
        if shutil.which("age"):
            run("age", "-o", hidden, "-R", self.etc / "recipients.txt", clear)
            clear.unlink()
            os.replace(hidden, self.etc / ".secrets.age")

    def _told(self):
        assert self.native.get("/rotated", [("X-API-Key", PRODUCTION)]).status == 200
        return self.recorder.last("/rotated").value("Authorization")

    # Generate new token. Update. Restart gateway.

    def rotates_the_token(self):
        old, self.token = self.token, self.ok("token").strip()
        assert old != self.token
        # Nothing of Postern's is restarted for it.
        process = self.native.pid
        self._encrypt(self.token)
        wait_until(lambda: self._told() == f"Bearer {self.token}", "the new token", 5, 0.1)
        assert self.native.pid == process
        # By the environment, as the guide has it, it takes a restart.
        old, self.token = self.token, self.ok("token").strip()
        self.native.stop()
        self._monkeypatch.setenv("OPENCLAW_GATEWAY_TOKEN", self.token)
        self.native.site = NativeSite(self.etc, {LIMITS: ""}, upstream=self.recorder.address)
        self.native._start()
        assert self._told() == f"Bearer {self.token}"

    # View logs for auth errors.

    def reads_what_went_wrong(self):
        assert self.native.get("/", [basic(self.USER, "wrong")]).status == 401
        self.native.wait_logged("credentials-wrong")
        events = {entry["event"] for entry in self.listed("audit")["entries"]}
        for event in ("login", "device waits", "device approved", "device refused", "session revoked", "session ended"):
            assert event in events, events
        log = self.native.error_log + self.native.access_log + self.control("audit")
        for secret in (self.token, PRODUCTION, DEVELOPMENT, self.browser.cookies["__Host-postern"]):
            assert secret not in log


def test_the_guides_files_are_the_ones_in_the_repository():
    """What the guide prints of Nginx stands in nginx/guide.conf."""
    text = (REPOSITORY / "nginx/guide.conf").read_text()
    for line in (
        "listen 443 ssl http2;",
        'auth_basic "OpenClaw Authentication";',
        "limit_req_zone $binary_remote_addr zone=api:10m rate=10r/s;",
        "limit_req zone=api burst=20 nodelay;",
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
        'return 200 "healthy\\n";',
    ):
        assert line in text
