"""`ssl_reject_handshake` and `ssl_stapling_file`, held to what Nginx does."""

import re
import subprocess

import pytest

from harness.process import StartFailure
from harness.site import Site
from test_tls import s_client

REJECTING = """
server {{
    listen {{tls}} ssl {mark};
    server_name {name};
    ssl_reject_handshake on;
}}"""


def outcome(server, *options, name):
    """The alert that the server ends the handshake with, or the name on its certificate."""
    selection = ("-noservername",) if name is None else ("-servername", name)
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{server.ports['tls']}", *selection, *options]
    result = subprocess.run(command, input="Q\n", capture_output=True, text=True, timeout=20, errors="replace")
    number = re.search(r"SSL alert number (\d+)", result.stderr)
    return int(number[1]) if number else re.search(r"subject=.*CN = (\S+)", result.stdout)[1]


@pytest.mark.parametrize("option", ["-tls1_2", "-tls1_3"])
def test_a_default_server_that_rejects(peer, start, recorder, option):
    """Names that no other server has are rejected, and so is the lack of one."""
    top = "ssl_protocols TLSv1.2 TLSv1.3;" + REJECTING.format(mark="default_server", name="_")
    server = start(peer, Site(upstream=recorder.address, top=top))
    # A final dot doesn't make another name (RFC 1034, section 3.1).
    expected = {"localhost": "localhost", "LOCALHOST": "localhost", "localhost.": "localhost", "x.test": 112, None: 112}
    assert {name: outcome(server, option, name=name) for name in expected} == expected
    assert server.get().status == 200


@pytest.mark.parametrize("option", ["-tls1_2", "-tls1_3"])
def test_a_name_that_is_rejected(peer, start, recorder, option):
    """Only that name: the default server goes on."""
    rejecting = REJECTING.format(mark="", name="closed.test *.closed.test")
    server = start(peer, Site(upstream=recorder.address, server="ssl_protocols TLSv1.2 TLSv1.3;"))
    text = server.config.read_text().rstrip()
    addition = rejecting.replace("{tls}", f"127.0.0.1:{server.ports['tls']}")
    server.config.write_text(text[:-1] + addition + "\n}\n" if server.dialect == "nginx" else text + addition + "\n")
    server.reload()
    expected = {"closed.test": 112, "a.closed.test": 112, "localhost": "localhost", "x": "localhost", None: "localhost"}
    assert {name: outcome(server, option, name=name) for name in expected} == expected


@pytest.fixture(scope="session")
def response(authority, certificate, tmp_path_factory):
    """An OCSP response for the server's certificate, in DER form."""
    directory = tmp_path_factory.mktemp("ocsp")
    index, file = directory / "index.txt", directory / "staple.der"
    index.touch()
    ca = str(authority.certificate)
    subprocess.run(
        ["openssl", "ocsp", "-index", index, "-rsigner", ca, "-rkey", authority.key, "-CA", ca, "-issuer", ca]
        + ["-cert", certificate[0], "-no_nonce", "-ndays", "2", "-respout", file],
        check=True,
        capture_output=True,
        timeout=20,
    )
    return file


def stapled(server, *options):
    """Whether the server staples, as s_client tells."""
    output = s_client(server, "-status", *options)
    if "OCSP response: no response sent" in output:
        return False
    assert "OCSP Response Status: successful" in output
    return True


@pytest.mark.parametrize("option", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize(
    "lines, nginx, native",
    [
        ("ssl_stapling on; ssl_stapling_file {file};", True, True),
        ("ssl_stapling_file {file};", False, True),
        ("ssl_stapling off; ssl_stapling_file {file};", False, False),
        ("ssl_stapling_file {file}; ssl_session_cache shared:x:1m; ssl_stapling on;", True, True),
    ],
)
def test_a_response_is_stapled(peer, start, recorder, response, lines, nginx, native, option):
    lines = "ssl_protocols TLSv1.2 TLSv1.3;" + lines.replace("{file}", str(response))
    server = start(peer, Site(upstream=recorder.address, server=lines))
    assert stapled(server, option) == (nginx if server.dialect == "nginx" else native)
    assert "OCSP" not in s_client(server, option)


def test_a_response_that_is_none(peer, start, recorder, tmp_path):
    file = tmp_path / "staple.der"
    file.write_text("no response")
    with pytest.raises(StartFailure, match="staple.der"):
        start(peer, Site(upstream=recorder.address, server=f"ssl_stapling on; ssl_stapling_file {file};"))
