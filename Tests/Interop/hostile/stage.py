"""The servers on which every case is played, one for each dialect."""

import os

from faults.log import Log
from harness.ports import has_ipv6
from harness.process import Server
from harness.site import Site

from .gateway import Gateway

#: Rules that differ from path to path, said in both dialects' own words.
NATIVE = """
location /open/ { auth_basic off; proxy_pass http://gateway; }
location /closed/ { deny all; proxy_pass http://gateway; }
location = /exact { auth_basic off; proxy_pass http://gateway; }
location /friends/ { auth_basic off; cross_site deny except=https://app.example.com; proxy_pass http://gateway; }
location /anyone/ { auth_basic off; cross_site allow; proxy_pass http://gateway; }
"""
FIELDS = """proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Forwarded-For $remote_addr;
proxy_set_header X-Forwarded-Proto $scheme;"""
NGINX = NATIVE.replace("proxy_pass", FIELDS + " proxy_pass").replace(
    "location /open/ { auth_basic off;", "location /open/ { auth_basic off; cross_site deny;"
)

#: Other servers behind the same listener: one with rules of its own, one that shakes no hands, one that wants TLS 1.3.
SERVERS = """
server {
    listen {tls} ssl;
    server_name other.example;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    location / { deny all; proxy_pass http://gateway; }
}
server {
    listen {tls} ssl;
    server_name rejected.example;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_reject_handshake on;
    location / { FIELDS proxy_pass http://gateway; }
}
server {
    listen {tls} ssl;
    server_name modern.example;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.3;
    location / { FIELDS proxy_pass http://gateway; }
}
"""


#: Listeners with the same rules: HTTP/2 without TLS, and both protocols over IPv6.
LISTENERS = "listen {h2c} http2;"
LISTENERS_6 = "listen {plain6}; listen {tls6} ssl http2;"


class Sites(Site):
    """The site, and the other servers behind it."""

    def _native(self):
        return super()._native() + SERVERS.replace("FIELDS", "")

    def _nginx(self):
        return super()._nginx().rstrip().removesuffix("}") + SERVERS.replace("FIELDS", FIELDS) + "}\n"


class Stage:
    """A server of one dialect, its gateway and its log."""

    def __init__(self, dialect, directory, users, certificate, context):
        self.dialect = dialect
        self.gateway = Gateway()
        site = Sites(
            upstream=self.gateway.address,
            auth=True,
            users=users,
            nginx_server=NGINX,
            native_server=NATIVE,
            server=LISTENERS + (LISTENERS_6 if has_ipv6() else ""),
            http2=True,
            listeners=["h2c"] + (["plain6", "tls6"] if has_ipv6() else []),
            hosts={"plain6": "[::1]", "tls6": "[::1]"},
        )
        self.server = Server(f"postern-{dialect}", directory, site, *certificate, context)
        self.log = Log(directory / "error.log")
        self.server.get("/open/ready")
        self.gateway.forget()

    def close(self):
        self.server.stop()
        self.gateway.close()

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.server.pid}/fd"))

    def resident(self):
        """Resident memory in bytes."""
        return self.server.resident()
