"""The quick start: `postern demo`, `postern init` and deploy/run.sh."""

import json
import os
import re
import signal
import subprocess

import pytest

from harness.client import Connection, basic, trusting
from harness.ports import accepts, free_ports, wait_until
from harness.process import REPOSITORY, postern_binary
from harness.websocket import WebSocket


class Demo:
    def __init__(self, command, port, **options):
        self.port = port
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            **options,
        )

    def lines_until(self, pattern):
        """Its output up to the line that matches."""
        lines = []
        for line in self.process.stdout:
            lines.append(line.rstrip("\n"))
            if re.match(pattern, line):
                return lines
        pytest.fail("it ended early:\n" + "\n".join(lines))

    def end(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(10)


def session_processes(leader):
    output = subprocess.run(["ps", "-o", "pid=,stat=", "--sid", str(leader)], capture_output=True, text=True).stdout
    return [line for line in output.splitlines() if " Z" not in line]


@pytest.fixture(params=["postern demo", "deploy/run.sh"])
def demo(request, tmp_path):
    port = free_ports(1)[0]
    if request.param == "postern demo":
        command = [postern_binary(), "demo", "--port", str(port), "--directory", tmp_path / "demo"]
    else:
        command = [REPOSITORY / "deploy/run.sh"]
    environment = os.environ | {
        "PORT": str(port),
        "POSTERN_BINARY": str(postern_binary()),
        "POSTERN_DIRECTORY": str(tmp_path / "run"),
    }
    demo = Demo(command, port, env=environment)
    yield demo
    demo.end()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_command_to_a_login(demo, number):
    lines = demo.lines_until(r"password \S+")
    address, user, password = (line.split(" ", 1) for line in lines[-3:])
    assert address == ["address", f"https://localhost:{demo.port}"]
    assert (user[0], password[0]) == ("user", "password")
    wait_until(lambda: accepts(demo.port), "the port")

    context = trusting()
    with Connection(demo.port, context) as connection:
        assert connection.request().status == 401
        page = connection.request(fields=[basic(user[1], password[1])])
        assert page.status == 200
        assert "text/html" in page.value("Content-Type")
        assert user[1] in page.text
        assert connection.request("GET", "/health").status == 200

    with WebSocket(f"wss://localhost:{demo.port}/", context, dict([basic(user[1], password[1])])) as socket:
        challenge = json.loads(socket.recv())
        assert challenge["event"] == "connect.challenge"

    demo.process.send_signal(number)
    demo.process.wait(10)
    wait_until(lambda: not accepts(demo.port), "the port to close")
    wait_until(lambda: not session_processes(demo.process.pid), "all it started to end")


def test_init_makes_a_set_up_that_runs(postern, tmp_path):
    answer = postern("init", tmp_path / "etc")
    assert answer.returncode == 0, answer.stderr
    configuration = tmp_path / "etc" / "proxy.conf"
    assert configuration.exists()
    assert "#" in configuration.read_text()
    checked = postern("check", "-c", configuration)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert postern("init", tmp_path / "etc").returncode != 0  # It overwrites nothing.
