"""What these tests share: a server that remembers its callers, clients of both protocols, a browser's logins."""

import json
import urllib.parse

from harness.client import Connection, basic
from harness.site import Site
from http2.session import Session, ssl_context

#: The cookies' names, as browsers keep them.
SESSION, DEVICE = "__Host-postern", "__Host-postern-device"
#: How a browser says that it opens a page.
NAVIGATES = [("Sec-Fetch-Mode", "navigate")]
PASSWORD = "password"
#: The stored forms of "password" and of "another", cheap to verify.
STORED = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="
ANOTHER = "{SHA}t8j/uPvGfBcTKODo9kNpTo5hszU="
WAYS = ["http1", "http2"]


def site(upstream, session="", server="", main="", **options):
    """A site with a login form, sessions with these settings, state and a control socket. All listeners speak TLS."""
    return Site(
        upstream=upstream.address,
        auth=True,
        users=options.pop("users", f"alice:{STORED}\nbob:{STORED}\n"),
        http2=True,
        plain=False,
        main="state_dir {directory}/state;\ncontrol unix:{directory}/control.sock;\n" + main,
        native_server=f"session on {session};\nlogin_form on;\n{server}",
        **options,
    )


class Reply:
    """A status, fields and a body, whichever protocol they came by."""

    def __init__(self, answer):
        self.status, self.fields, self.body = answer.status, list(answer.fields), bytes(answer.body)

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def values(self, name):
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def value(self, name):
        values = self.values(name)
        return values[0] if values else None

    def cookies(self):
        """What it sets: {name: (value, [attribute, …])}."""
        found = {}
        for line in self.values("Set-Cookie"):
            pair, *attributes = [part.strip() for part in line.split(";")]
            name, value = pair.split("=", 1)
            assert name not in found, f"set twice: {name}"
            found[name] = (value, attributes)
        return found

    def cookie(self, name=SESSION):
        """The value that it gives a cookie; None where it gives none, or takes it away."""
        return self.cookies().get(name, (None,))[0] or None


class Client:
    """One connection, of HTTP/1 or HTTP/2."""

    def __init__(self, server, way="http1", port="tls"):
        self._is_http2 = way == "http2"
        if self._is_http2:
            self.connection = Session(server.ports[port], ssl_context())
        else:
            self.connection = Connection(server.ports[port], server.context)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def ask(self, target="/", fields=(), method="GET", body=None):
        if self._is_http2:
            extra = [("content-length", str(len(body)))] if body is not None else []
            return Reply(self.connection.ask(method, target, list(fields) + extra, body))
        return Reply(self.connection.request(method, target, fields, body))


def ask(server, target="/", fields=(), way="http1", method="GET", body=None):
    """A request on a connection of its own."""
    with Client(server, way) as client:
        return client.ask(target, fields, method, body)


def cookie(*pairs):
    """A Cookie field: of a session's token alone, or of (name, value)s."""
    return ("Cookie", "; ".join(f"{SESSION}={pair}" if isinstance(pair, str) else "=".join(pair) for pair in pairs))


def form(user="alice", password=PASSWORD, target="/"):
    return urllib.parse.urlencode({"user": user, "password": password, "return": target}).encode()


def post_login(server, user="alice", password=PASSWORD, target="/", fields=(), way="http1"):
    """What a browser sends for the login page's form."""
    extra = [("Content-Type", "application/x-www-form-urlencoded"), ("Sec-Fetch-Site", "same-origin")]
    return ask(server, "/.postern/login", extra + list(fields), way, "POST", form(user, password, target))


def log_in(server, user="alice", password=PASSWORD, fields=(), way="http1"):
    """A browser's login by Basic; the session's token."""
    answer = ask(server, "/", [basic(user, password), *NAVIGATES, *fields], way)
    token = answer.cookie()
    assert token, f"no session: {answer.status} {answer.text}"
    return token


def status(server, token, target="/", way="http1"):
    """What a request gets that has a session's cookie and nothing else to show."""
    return ask(server, target, [cookie(token)], way).status


class Command:
    """Runs `postern` for one server's control socket."""

    def __init__(self, postern, server):
        self._postern, self.socket = postern, server.directory / "control.sock"

    def __call__(self, *arguments, check=True):
        answer = self._postern(*arguments, "--socket", self.socket)
        if check:
            assert answer.returncode == 0, answer.stderr
        return answer

    def json(self, *arguments):
        return json.loads(self(*arguments, "--json").stdout)

    def sessions(self, user=None):
        found = self.json("sessions", "list")["sessions"]
        return [session for session in found if user in (None, session["user"])]

    def audit(self, limit=1000):
        return self.json("audit", "--limit", str(limit))["entries"]
