"""Writes one site's configuration in either dialect, so that a test says once what it wants."""

import os
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limit:
    """A request limit per client address."""

    rate: str
    burst: int = 0
    nodelay: bool = True


@dataclass
class Site:
    """What a test wants served. Extra lines go in as they are: `both` dialects, or one of them.

    Every site has a TLS listener (`{tls}`) and a plain one (`{plain}`) with the same rules unless told otherwise;
    `listeners` adds ports, which extra lines may name by key in braces.
    """

    upstream: str = "127.0.0.1:9"
    auth: bool = False
    #: Whether a native file's lock on who guesses stays on. Off, since most tests try more than a few logins.
    locks: bool = False
    limit: Limit | None = None
    workers: int = 1
    log_level: str = "info"
    plain: bool = True
    #: Whether the TLS listener offers HTTP/2.
    http2: bool = False
    redirect: bool = False
    body_limit: str = "0"
    websocket_lines: bool = True
    upstream_lines: str = "keepalive 16;"
    main: str = ""
    top: str = ""
    server: str = ""
    location: str = ""
    nginx_top: str = ""
    nginx_server: str = ""
    nginx_location: str = ""
    native_top: str = ""
    native_server: str = ""
    native_location: str = ""
    users: str | None = None
    listeners: list[str] = field(default_factory=list)
    #: The address of a listener, by its key, where that isn't 127.0.0.1; one of IPv6 in brackets.
    hosts: dict[str, str] = field(default_factory=dict)
    #: The port that tells that the server is there.
    ready: str = "tls"

    def render(self, dialect, ports, directory, certificate, key):
        """The whole file's text. `dialect` is "nginx" or "native"."""
        text = self._nginx() if dialect == "nginx" else self._native()
        values = {name: f"{self.hosts.get(name, '127.0.0.1')}:{port}" for name, port in ports.items()}
        values |= {
            "directory": str(directory),
            "certificate": str(certificate),
            "key": str(key),
            "upstream": self.upstream,
        }
        for name, value in values.items():
            text = text.replace("{" + name + "}", value)
        return "\n".join(line for line in text.splitlines() if line.strip()) + "\n"

    def _main(self):
        # As root, workers would become "nobody" and could not read the test's directory.
        user = "user root;" if os.geteuid() == 0 else ""
        return f"""
{user}
worker_processes {self.workers};
pid {{directory}}/server.pid;
error_log {{directory}}/error.log {self.log_level};
{self.main}
"""

    def _common(self):
        auth = 'auth_basic "OpenClaw";\n    auth_basic_user_file {directory}/htpasswd;' if self.auth else ""
        return f"""
    server_name localhost;
    ssl_certificate {{certificate}};
    ssl_certificate_key {{key}};
    client_max_body_size {self.body_limit};
    {auth}
    {self.server}
"""

    def _nginx(self):
        zone = f"limit_req_zone $binary_remote_addr zone=interop:1m rate={self.limit.rate};" if self.limit else ""
        limit = ""
        if self.limit:
            limit = "limit_req zone=interop"
            limit += f" burst={self.limit.burst}" if self.limit.burst else ""
            limit += " nodelay;" if self.limit.nodelay and self.limit.burst else ";"
        temporary = "\n".join(
            f"{name}_temp_path {{directory}}/{name}_temp;"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        websocket = "proxy_set_header Upgrade $http_upgrade;\nproxy_set_header Connection $connection_upgrade;"
        plain = "" if self.redirect or not self.plain else "listen {plain};"
        redirect = "server { listen {plain}; return 301 https://localhost$request_uri; }" if self.redirect else ""
        return f"""
{self._main()}
events {{ worker_connections 1024; }}
http {{
{temporary}
access_log {{directory}}/access.log combined;
map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
{zone}
{self.top}
{self.nginx_top}
upstream gateway {{ server {{upstream}}; {self.upstream_lines} }}
{redirect}
server {{
    listen {{tls}} ssl{' http2' if self.http2 else ''};
    {plain}
    {self._common()}
    {limit}
    {self.nginx_server}
    location = /health {{ auth_basic off; access_log off; default_type text/plain; return 200 "healthy\\n"; }}
    location / {{
        proxy_pass http://gateway;
        proxy_http_version 1.1;
        {websocket if self.websocket_lines else 'proxy_set_header Connection "";'}
        proxy_set_header Host $host;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_buffering off;
        proxy_request_buffering off;
        proxy_max_temp_file_size 0;
        {self.location}
        {self.nginx_location}
    }}
}}
}}
"""

    def _native(self):
        limit = ""
        if self.limit:
            limit = f"limit_req rate={self.limit.rate}"
            limit += f" burst={self.limit.burst}" if self.limit.burst else ""
            # Native files let a burst pass at once unless told otherwise.
            limit += " delay=0" if self.limit.burst and not self.limit.nodelay else ""
            limit += " per=ip;"
        plain = "listen {plain} redirect;" if self.redirect else "listen {plain};" if self.plain else ""
        location = (
            f"location / {{ proxy_pass http://gateway; {self.location} {self.native_location} }}"
            if self.location or self.native_location
            else "proxy_pass http://gateway;"
        )
        says = any(line.strip().startswith("auth_failures ") for line in (self.server + self.native_server).split(";"))
        locks = "auth_failures off;" if self.auth and not self.locks and not says else ""
        return f"""
{self._main()}
{self.top}
{self.native_top}
upstream gateway {{ server {{upstream}}; {self.upstream_lines} }}
server {{
    listen {{tls}} ssl{' http2' if self.http2 else ''};
    {plain}
    {self._common()}
    {locks}
    {limit}
    access_log {{directory}}/access.log combined;
    health /health;
    {self.native_server}
    {location}
}}
"""
