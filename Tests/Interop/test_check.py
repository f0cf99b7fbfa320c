"""`postern check`, `-t` and the other commands that serve nothing."""

import socket

import pytest

from harness.process import REPOSITORY

NATIVE = """server {{
    listen 127.0.0.1:8443 ssl;
    server_name localhost;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    proxy_pass http://127.0.0.1:18789;
}}
"""


@pytest.fixture
def good(tmp_path, certificate):
    path = tmp_path / "proxy.conf"
    path.write_text(NATIVE.format(certificate=certificate[0], key=certificate[1]))
    return path


def test_a_good_file(postern, good):
    answer = postern("check", "-c", good)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "error:" not in answer.stdout + answer.stderr


def test_a_missing_file(postern, tmp_path):
    answer = postern("check", "-c", tmp_path / "absent.conf")
    assert answer.returncode == 1
    assert "absent.conf" in answer.stderr + answer.stdout


MISTAKES = [
    (
        "listen 127.0.0.1:8443 ssl;",
        "listen 127.0.0.1:8443 ssl;\n    limt_req rate=10r/s;",
        'unknown directive "limt_req"',
        'did you mean "limit_req"?',
    ),
    ("listen 127.0.0.1:8443 ssl;", "listen 127.0.0.1:84430 ssl;", "84430", None),
    ("proxy_pass http://127.0.0.1:18789;", "proxy_pass;", "proxy_pass", None),
    ("server_name localhost;", "server_name localhost", "error:", None),
    ("}\n", "", "error:", None),
    ("server_name localhost;", "server_name localhost;\n    limit_req rate=10x/s;", "rate", None),
    ("server_name localhost;", "server_name localhost;\n    client_max_body_size lots;", "client_max_body_size", None),
    ("server_name localhost;", "server_name localhost;\n    if ($a) { return 403; }", "if", None),
    ("server_name localhost;", "server_name localhost;\n    root /var/www;", "root", None),
    (
        "server_name localhost;",
        "server_name localhost;\n    ssl_certificate /nonexistent.pem;",
        "nonexistent.pem",
        None,
    ),
]


@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_a_mistake_is_located(postern, good, number):
    old, new, words, hint = MISTAKES[number]
    text = good.read_text()
    assert old in text
    good.write_text(text.replace(old, new, 1))
    answer = postern("check", "-c", good)
    output = answer.stdout + answer.stderr
    assert answer.returncode == 1, output
    assert "proxy.conf:" in output and "error:" in output
    assert words in output
    if hint:
        assert hint in output
        assert "^~~~" in output


def test_all_mistakes_at_once(postern, good):
    good.write_text(
        good.read_text().replace(
            "server_name localhost;", "server_naem localhost;\n    limt_req rate=1r/s;\n    proxy_pas http://x;"
        )
    )
    output = postern("check", "-c", good)
    text = output.stdout + output.stderr
    assert output.returncode == 1
    for word in ("server_naem", "limt_req", "proxy_pas"):
        assert f'unknown directive "{word}"' in text
    assert "proxy.conf:3:5: error:" in text


def test_run_refuses_a_bad_file(postern, good):
    good.write_text(good.read_text().replace("server_name", "server_naem"))
    answer = postern("run", "-c", good, timeout=20)
    assert answer.returncode == 1
    assert 'unknown directive "server_naem"' in answer.stdout + answer.stderr


def test_run_says_when_a_port_is_taken(postern, good, tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        good.write_text(f"pid {tmp_path}/p.pid;\n" + good.read_text().replace("8443", str(port)))
        answer = postern("run", "-c", good, timeout=20)
    assert answer.returncode == 1
    assert str(port) in answer.stdout + answer.stderr
    assert not (tmp_path / "p.pid").exists()


class TestBorrowedFlags:
    def test_t_on_a_good_file(self, postern, good):
        answer = postern("-t", "-c", good)
        assert answer.returncode == 0
        assert "test is successful" in answer.stdout + answer.stderr

    def test_t_on_a_bad_file(self, postern, good):
        good.write_text("nonsense;\n")
        answer = postern("-t", "-c", good)
        assert answer.returncode == 1
        assert "nonsense" in answer.stdout + answer.stderr

    def test_t_quietly(self, postern, good):
        answer = postern("-t", "-q", "-c", good)
        assert (answer.returncode, answer.stdout) == (0, "")
        assert "successful" not in answer.stderr

    def test_capital_t_prints_the_file(self, postern, good):
        answer = postern("-T", "-c", good)
        assert answer.returncode == 0
        assert "proxy_pass http://127.0.0.1:18789;" in answer.stdout

    def test_p_is_the_prefix(self, postern, good):
        assert postern("-t", "-p", good.parent, "-c", good.name).returncode == 0

    def test_g_adds_directives(self, postern, good):
        assert postern("-t", "-c", good, "-g", "worker_processes 2;").returncode == 0
        assert postern("-t", "-c", good, "-g", "nonsense on;").returncode == 1

    @pytest.mark.parametrize("flag", ["-v", "-V"])
    def test_versions(self, postern, flag):
        answer = postern(flag)
        assert answer.returncode == 0
        assert "postern" in (answer.stdout + answer.stderr).lower()


class TestGuide:
    """The files in nginx/ with the guide's paths pointed at certificates that exist."""

    def text(self, name, certificate, tmp_path):
        text = (REPOSITORY / "nginx" / name).read_text()
        (tmp_path / "htpasswd").write_text("alice:{PLAIN}x\n")
        return (
            text.replace("/etc/nginx/ssl/cert.pem", str(certificate[0]))
            .replace("/etc/nginx/ssl/key.pem", str(certificate[1]))
            .replace("tls/cert.pem", str(certificate[0]))
            .replace("tls/key.pem", str(certificate[1]))
            .replace("/etc/nginx/.htpasswd", str(tmp_path / "htpasswd"))
        )

    def test_the_guides_file_runs_with_warnings(self, postern, tmp_path, certificate):
        path = tmp_path / "guide.conf"
        path.write_text(self.text("guide.conf", certificate, tmp_path))
        answer = postern("check", "-c", path)
        output = answer.stdout + answer.stderr
        assert answer.returncode == 0, output
        for word in ("limit_req_zone", "openclaw-gateway", "proxy_add_x_forwarded_for"):
            assert word in output

    def test_the_corrected_file_is_accepted(self, postern, tmp_path, certificate):
        path = tmp_path / "corrected.conf"
        path.write_text(self.text("corrected.conf", certificate, tmp_path))
        answer = postern("check", "-c", path)
        assert answer.returncode == 0, answer.stdout + answer.stderr


def test_directives_prints_the_reference(postern):
    answer = postern("directives")
    assert answer.returncode == 0
    for word in ("limit_req", "auth_basic_user_file", "proxy_pass", "ssl_certificate"):
        assert word in answer.stdout


def test_version(postern):
    assert postern("version").returncode == 0


def test_help(postern):
    answer = postern("--help")
    assert answer.returncode == 0
    for word in ("run", "check", "user", "demo", "init"):
        assert word in answer.stdout
