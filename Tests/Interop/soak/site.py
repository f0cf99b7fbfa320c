"""The configurations of the soak: they differ in what no client can see in a reply's status and body."""

import subprocess

BROKEN = [
    ("a directive that doesn't exist", lambda text: text.replace("keepalive_timeout", "keepalive_timeuot", 1)),
    ("a block that doesn't end", lambda text: text.rstrip()[:-1]),
    ("a certificate that isn't there", lambda text: text.replace("ssl_certificate ", "ssl_certificate /nowhere", 1)),
    ("an upstream that isn't declared", lambda text: text.replace("http://group", "http://grop.invalid:x", 1)),
    ("only half of it", lambda text: text[: len(text) // 2]),
]


class SoakSite:
    """What is served. `number` tells configurations apart: odd ones have another certificate, password file (other
    hashes of the same passwords), idle time and pool, and a listener more."""

    auth, ready, listeners = False, "tls", ["more"]

    def __init__(self, group, certificates, passwords, number=0):
        self._group, self._certificates, self._passwords, self.number = group, certificates, passwords, number

    def next(self, number):
        return SoakSite(self._group, self._certificates, self._passwords, number)

    @property
    def certificate(self):
        return self._certificates[self.number % 2][0]

    def render(self, dialect, ports, directory, *_):
        assert dialect == "native"
        a, b, steady = (member.address for member in self._group.members)
        certificate, key = self._certificates[self.number % 2]
        odd = self.number % 2
        at = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        return f"""
worker_processes 2;
pid {directory}/server.pid;
error_log {directory}/error.log notice;
worker_shutdown_timeout 5s;
log_format soak "$http_x_soak $status $upstream_addr";
upstream group {{
    server {a} fail_timeout=1s;
    server {b} fail_timeout=1s;
    keepalive {[8, 16][odd]};
    keepalive_timeout 3s;
}}
upstream steady {{ server {steady} max_fails=0; keepalive 8; keepalive_timeout 3s; }}
server {{
    listen {at['tls']} ssl http2;
    listen {at['plain']};
    {f"listen {at['more']};" if odd else ""}
    server_name localhost;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    access_log {directory}/access.log soak;
    client_max_body_size 32m;
    client_header_timeout 4s;
    client_body_timeout 4s;
    send_timeout 10s;
    keepalive_timeout {[40, 45][odd]}s;
    add_header X-Generation g{self.number};
    location /group/ {{ proxy_pass http://group; }}
    location /steady/ {{ proxy_pass http://steady; }}
    location /private/ {{
        auth_basic "soak";
        auth_basic_user_file {self._passwords[odd]};
        auth_failures off;
        proxy_pass http://group;
    }}
    location /rate/ {{ limit_req rate=20r/s burst=5 per=ip; proxy_pass http://steady; }}
    location /slots/ {{ limit_conn 2 per=ip; limit_conn_status 503; proxy_pass http://steady; }}
}}
"""


def password_files(directory):
    """Two files with the same users and passwords, each in another hash."""
    files = []
    for name, hashes in (("users-0", {"alice": "-m", "bob": "-B"}), ("users-1", {"alice": "-B", "bob": "-m"})):
        path = directory / name
        path.touch()
        for user, password in (("alice", "wonderland"), ("bob", "builder")):
            cost = ["-C", "5"] if hashes[user] == "-B" else []
            command = ["htpasswd", "-b", hashes[user], *cost, str(path), user, password]
            subprocess.run(command, check=True, capture_output=True, timeout=30)
        files.append(path)
    return files
