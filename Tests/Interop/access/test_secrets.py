"""The gateway's own token: from the environment, a file, or a file that age has encrypted, and as these change."""

import os
import shutil
import subprocess

import pytest

from harness.client import basic
from harness.ports import wait_until
from harness.process import Server
from harness.site import Site

from .stage import PASSWORD, ask

USERS = "alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n"


@pytest.fixture
def told(tmp_path, recorder, certificate, context):
    """told(directives) starts a server; it answers what the gateway is told in `Authorization`."""
    servers = []

    def start(secret, top=""):
        site = Site(
            upstream=recorder.address,
            auth=True,
            users=USERS,
            native_top=top,
            native_server=f"gateway_auth bearer {secret}; public /public;",
        )
        server = Server("postern-native", tmp_path, site, *certificate, context)
        servers.append(server)

        def ask_it(target="/x", fields=(basic("alice", PASSWORD),)):
            count = len(recorder.requests)
            assert ask(server, target=target, fields=fields).status == 200
            return recorder.requests[count].values("Authorization")

        ask_it.server = server
        return ask_it

    yield start
    for server in servers:
        server.stop()


def replace(path, data):
    beside = path.with_name("beside")
    beside.write_bytes(data)
    os.replace(beside, path)


def test_of_the_environment(told, monkeypatch):
    monkeypatch.setenv("GATEWAY_TOKEN", "from-the-environment")
    ask_it = told("env:GATEWAY_TOKEN")
    assert ask_it() == ["Bearer from-the-environment"]
    assert ask_it("/public", ()) == []


def test_of_a_file_that_changes(told, tmp_path):
    token = tmp_path / "token"
    token.write_text("first-token\n")
    ask_it = told(f"file:{token}")
    assert ask_it() == ["Bearer first-token"]
    replace(token, b"second-token\n")
    wait_until(lambda: ask_it() == ["Bearer second-token"], "the new token", 5, 0.05)
    # One that can't be used is said, and the one before stays.
    replace(token, b"")
    ask_it.server.wait_logged("secrets have changed and can't be used; those in use stay")
    assert ask_it() == ["Bearer second-token"]
    token.unlink()
    assert ask_it() == ["Bearer second-token"]
    replace(token, b"third-token")
    wait_until(lambda: ask_it() == ["Bearer third-token"], "the third token", 5, 0.05)
    log = ask_it.server.error_log
    assert [word for word in ("first-token", "second-token", "third-token") if word in log] == []


def test_a_line_end_in_a_token_starts_no_field(told, tmp_path):
    token = tmp_path / "token"
    token.write_text("good\n")
    ask_it = told(f"file:{token}")
    replace(token, b"bad\r\nX-Evil: yes\r\n")
    ask_it.server.wait_logged("secrets have changed and can't be used")
    assert ask_it() == ["Bearer good"]


@pytest.mark.skipif(not shutil.which("age"), reason="age isn't installed")
def test_of_a_file_that_age_encrypted_and_that_changes(told, tmp_path, recorder):
    identity, sealed = tmp_path / "identity", tmp_path / "secrets.age"
    subprocess.run(["age-keygen", "-o", identity], check=True, capture_output=True)
    recipient = subprocess.run(["age-keygen", "-y", identity], check=True, capture_output=True, text=True).stdout.strip()

    def seal(text):
        command = ["age", "-r", recipient]
        replace(sealed, subprocess.run(command, input=text.encode(), check=True, capture_output=True).stdout)

    seal("# the gateway's\nGATEWAY=sealed-first\nOTHER=x\n")
    ask_it = told("secret:GATEWAY", f"secrets {sealed} identity={identity};")
    assert ask_it() == ["Bearer sealed-first"]
    seal("GATEWAY=sealed-second\n")
    wait_until(lambda: ask_it() == ["Bearer sealed-second"], "the new token", 5, 0.05)
    # Sealed for somebody else: what is in use stays.
    replace(sealed, sealed.read_bytes()[:-20] + b"x" * 20)
    ask_it.server.wait_logged("secrets have changed and can't be used")
    assert ask_it() == ["Bearer sealed-second"]
    assert "sealed-" not in ask_it.server.error_log


def test_a_token_that_is_missing_keeps_it_from_starting(told, tmp_path):
    with pytest.raises(AssertionError, match="NOT_THERE"):
        told("env:NOT_THERE")
