"""A server with a location for each way to guard one, and clients of both versions."""

import base64
import http.cookies
import json
import os
import signal
import sqlite3
import subprocess
import threading
import urllib.parse
from contextlib import closing

from harness.client import Connection, basic, head
from harness.metrics import read_metrics
from harness.process import Server, postern_binary
from harness.recorder import Recorder
from harness.site import Site
from http2.session import Session, ssl_context

from .keys import KeyFile, make_key, mistyped

VERSIONS = ("HTTP/1.1", "HTTP/2.0")
PASSWORD = "password"
#: Cheap to verify.
HASH = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="
USERS = "".join(f"{name}:{HASH}\n" for name in ("alice", "bob", "dora", "erin", "zoe", "yves"))

LOCATIONS = """
api_keys {directory}/keys.json;
auth_failures off;
location = /metrics { auth_basic off; api_keys off; metrics; allow all; }
location /form/ { login_form on; }
location /denied/ { allow 127.0.0.99; deny all; }
location /absent/keys/ { api_keys {directory}/absent.json; }
location /broken/keys/ { api_keys {directory}/broken.json; }
location /absent/users/ { auth_basic_user_file {directory}/absent; }
location /broken/users/ { auth_basic_user_file {directory}/folder; }
location /locked/ { login_form on; auth_failures rate=3r/m lock=5m; }
location /paired/ { login_form on; device_pairing on timeout=5m; }
location /welcome/ { device_pairing on auto_approve=on; }
location /changing/users/ { auth_basic_user_file {directory}/changing; }
location /changing/keys/ { api_keys {directory}/changing.json; }
location /few/ { session on max_concurrent=1 evict=refuse; login_form on; }
location /few/basic/ { session on max_concurrent=1 evict=refuse; login_form off; }
location /costly/ { login_form on; auth_basic_user_file {directory}/costly; }
"""
FORMLESS = """
control unix:{directory}/control.sock;
state_dir {directory}/state;
server {
    listen {tls} ssl http2;
    server_name formless.test;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    access_log {directory}/access.log combined;
    auth_basic "Formless";
    auth_basic_user_file {directory}/htpasswd;
    proxy_pass http://gateway;
}
"""

NAVIGATION = (("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Site", "none"), ("Accept", "text/html,*/*;q=0.8"))
FETCH = (("Sec-Fetch-Mode", "cors"), ("Sec-Fetch-Site", "same-origin"), ("Accept", "*/*"))
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
OWN_FORM = (*FORM, ("Sec-Fetch-Site", "same-origin"), ("Origin", "https://localhost"))


def form(user, password, target="/form/"):
    return urllib.parse.urlencode({"user": user, "password": password, "return": target}).encode()


def cookies(answer):
    """What an answer sets, as a client sends it back: {name: value}."""
    found = {}
    for line in answer.values("Set-Cookie"):
        for name, morsel in http.cookies.SimpleCookie(line).items():
            found[name] = morsel.value
    return found


def cookie_field(found):
    return ("Cookie", "; ".join(f"{name}={value}" for name, value in found.items()))


def ask(server, version="HTTP/1.1", method="GET", target="/", fields=(), body=None, source="127.0.0.1", host="localhost"):
    """One request on a connection of its own, over TLS."""
    if version == "HTTP/2.0":
        with Session(server.ports["tls"], ssl_context(), source=source) as session:
            fields = [(name.lower(), value) for name, value in fields]
            return session.ask(method, target, fields, body, authority=host)
    with Connection(server.ports["tls"], server.context, source=source) as connection:
        return connection.request(method, target, fields, body, host=host)


def log_in(server, user, target="/form/", version="HTTP/1.1", fields=(), **options):
    """Fills in the form; the answer."""
    fields = (*OWN_FORM, *fields)
    return ask(server, version, "POST", "/.postern/login", fields, form(user, PASSWORD, target), **options)


class Stage:
    """The server of the table, with what its rows name in braces."""

    def __init__(self, directory, certificate, context):
        self.recorder = Recorder()
        keys = KeyFile(directory / "keys.json")
        self.words = {
            "reader": keys.add("reader", "read"),
            "writer": keys.add("writer", "read", "write"),
            "actor": keys.add("actor", "read", "write", "execute-actions"),
            "expired": keys.add("expired", "read", expires="2020-01-01T00:00:00Z"),
            "rare": keys.add("rare", "read", rate=1),
            "unknown": make_key(),
        }
        self.words["mistyped"] = mistyped(self.words["reader"])
        (directory / "folder").mkdir()
        (directory / "broken.json").write_text('{"keys": [')
        made = ["htpasswd", "-nbBC", "12", "carol", PASSWORD]
        costly = subprocess.run(made, capture_output=True, text=True, check=True).stdout.strip()
        (directory / "costly").write_text(costly + "\n")
        # Reading these takes longer than the time from one change to the next.
        self.changing_users = directory / "changing"
        self.changing_users.write_text("".join(f"user{number}:{HASH}\n" for number in range(20_000)))
        self.changing_keys = directory / "changing.json"
        keys = [{"id": f"{number}", "hash": f"sha256:{number:064x}", "permissions": []} for number in range(20_000)]
        self.changing_keys.write_text(json.dumps({"keys": keys}))
        site = Site(
            upstream=self.recorder.address,
            auth=True,
            users=USERS,
            http2=True,
            native_top=FORMLESS,
            native_server=LOCATIONS,
        )
        self.server = Server("postern-native", directory, site, *certificate, context)

    def close(self):
        self.server.stop()
        self.recorder.close()

    def metrics(self):
        return read_metrics(self.server)

    def ask(self, asked, version, target=None, fields=()):
        """The answer to an `Ask`, with its words filled in."""
        filled = [(name, value.format_map(self.words)) for name, value in (*asked.fields, *fields)]
        return ask(
            self.server, version, asked.method, target or asked.target, filled, asked.body, asked.source, asked.host
        )

    def control(self, *words):
        """Runs `postern` on the control socket; its output."""
        command = [postern_binary(), *words, "--socket", self.server.directory / "control.sock"]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout

    # What rows are about.

    def guess(self, sources, user, target="/locked/"):
        """Wrong passwords, one from each address; whatever was locked before is open again."""
        self.control("locked", "clear")
        for number, source in enumerate(sources):
            fields = [basic(user.format(number), "wrong")]
            ask(self.server, target=target, fields=fields, source=source)

    def occupy(self, source):
        """As many wrong guesses that take long as an address may have under way. What waits until they are answered."""
        held = [self.server.connect("plain", source=source) for _ in range(16)]
        for number, connection in enumerate(held):
            connection.send(head("GET", "/costly/", [basic("carol", f"guess{number}")]))

        def finish():
            for connection in held:
                connection.response()
                connection.close()

        return finish

    def change(self, path):
        """Touches a file again and again. What ends that."""
        stopping = threading.Event()

        def touch():
            number = 0
            while not stopping.wait(0.002):
                number += 1
                os.utime(path, (number, number))

        # A row that fails calls nothing more: the run has to end all the same.
        thread = threading.Thread(target=touch, daemon=True)
        thread.start()

        def finish():
            stopping.set()
            thread.join()

        return finish


class FullStage(Stage):
    """The same, with as many sessions and devices, all erin's, as there is room for."""

    def __init__(self, directory, certificate, context):
        super().__init__(directory, certificate, context)
        assert log_in(self.server, "erin").status == 303
        assert ask(self.server, target="/welcome/", fields=[basic("erin", PASSWORD)]).status == 200
        self.server.signal(signal.SIGTERM)
        self.server.wait_exit()
        with closing(sqlite3.connect(directory / "state/state.db")) as database, database:
            multiply(database, "sessions", "randomblob(32)", 100_000)
            multiply(database, "devices", "lower(hex(randomblob(16)))", 10_000)
        self.server.start_again()
        assert json.loads(self.control("sessions", "list", "--limit", "1", "--json"))["total"] == 100_000
        assert len(json.loads(self.control("devices", "list", "--json"))["approved"]) == 10_000


def multiply(database, table, key, count):
    """Copies a table's only row, under keys of its own, until there are so many."""
    (_, *columns) = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    numbers = f"WITH RECURSIVE numbers(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})"
    database.execute(f"INSERT INTO {table} {numbers} SELECT {key}, {', '.join(columns)} FROM {table}, numbers")


def credentials(text):
    """`Authorization: Basic` with that instead of a name and a password."""
    return ("Authorization", "Basic " + base64.b64encode(text.encode()).decode())
