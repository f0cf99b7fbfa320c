"""The servers' configuration files: equal in meaning, each in its server's own words."""

import os

#: The listeners of every server, and whether each speaks TLS.
LISTENERS = {
    "plain": False,
    "tls": True,
    "h2": True,
    "apr1": False,
    "apr1tls": True,
    "bcrypt": False,
    "bcrypttls": True,
    "logged": False,
}
#: Listeners of Postern alone, whose callers prove themselves by what the others have no counterpart of; without TLS.
CALLERS = ("session", "key")
#: Who begins sessions: no user may have as many as there may be.
CALLER_USERS = [f"caller-{number}" for number in range(10)]
USER, PASSWORD = "bench", "correct-horse-battery"
#: Idle upstream connections kept: as many as any row has clients, so that no server connects anew in a row.
POOL = 1024

FORWARD = (
    "proxy_http_version 1.1; proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr; "
    "proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;"
)


def user_line():
    return "user root;" if os.geteuid() == 0 else ""


def temporary_paths(directory, name):
    return " ".join(
        f"{kind}_temp_path {directory}/{name}-{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )


def http_block(directory, name, upstream_port, inner):
    """An Nginx file that nginx and postern run; only nginx has to be told where to put what it stores."""
    return f"""
{user_line()}
worker_processes 1; worker_rlimit_nofile 20000; pid {directory}/{name}.pid; error_log stderr error;
events {{ worker_connections 16384; }}
http {{
    {"" if name.startswith("postern") else temporary_paths(directory, name)}
    access_log off;
    keepalive_requests 100000000; keepalive_timeout 600s;
    upstream upstream {{ server 127.0.0.1:{upstream_port}; keepalive {POOL}; keepalive_requests 100000000; }}
{inner}
}}
"""


def nginx(directory, name, ports, upstream_port, inner=""):
    """For nginx and postern; `inner` is what else a server's `http` has in it."""
    servers = []
    for label, tls in LISTENERS.items():
        listen = f"listen 127.0.0.1:{ports[label]}" + (" ssl http2;" if label == "h2" else " ssl;" if tls else ";")
        scheme = label.removesuffix("tls")
        users = scheme in ("apr1", "bcrypt")
        auth = f'auth_basic "bench"; auth_basic_user_file {directory}/{scheme};' if users else ""
        log = f"access_log {directory}/{name}-access.log combined;" if label == "logged" else ""
        servers.append(f"""
    server {{
        {listen}
        server_name localhost;
        {log} {auth}
        location / {{ proxy_pass http://upstream; {FORWARD} proxy_set_header Connection ""; }}
        location /ws {{
            proxy_pass http://upstream; {FORWARD}
            proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; proxy_read_timeout 1h;
        }}
    }}""")
    tls = f"""
    ssl_certificate {directory}/cert.pem; ssl_certificate_key {directory}/key.pem;
    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:SSL:10m; ssl_session_timeout 1h;"""
    return http_block(directory, name, upstream_port, tls + "".join(servers) + inner)


def callers(directory, ports, keys, sessions=10):
    """What is in a Postern's file for `CALLERS`; `sessions` are those that all users of its own may have."""
    each = max(sessions // len(CALLER_USERS), 10)
    servers = []
    for label in CALLERS:
        by_session = f"session on max_concurrent={each}; login_form on;"
        limit = by_session if label == "session" else f"session off; api_keys {keys};"
        servers.append(f"""
    server {{
        listen 127.0.0.1:{ports[label]};
        server_name localhost; auth_basic "bench"; auth_basic_user_file {directory}/users; {limit}
        location / {{ proxy_pass http://upstream; {FORWARD} proxy_set_header Connection ""; }}
    }}""")
    return "".join(servers)


def devices(directory, ports):
    """The same where browsers are told apart, each let in at once; wants a `state_dir`."""
    return f"""
    server {{
        listen 127.0.0.1:{ports["device"]};
        server_name localhost; auth_basic "bench"; auth_basic_user_file {directory}/users;
        session on; login_form on; device_pairing on auto_approve=on;
        location / {{ proxy_pass http://upstream; {FORWARD} proxy_set_header Connection ""; }}
    }}"""


def haproxy(directory, ports, upstream_port):
    stored = (directory / "bcrypt").read_text().strip().split(":", 1)[1]
    fronts = []
    for label, tls in LISTENERS.items():
        scheme = label.removesuffix("tls")
        if scheme == "apr1":
            ports.pop(label)  # It has no apr1.
            continue
        alpn = "h2,http/1.1" if label == "h2" else "http/1.1"
        bind = f"bind 127.0.0.1:{ports[label]}" + (f" ssl crt {directory}/both.pem alpn {alpn}" if tls else "")
        auth = "http-request auth unless { http_auth(people) }" if scheme == "bcrypt" else ""
        # Its own way to a file is its standard output, which is one here.
        log = "log stdout format raw local0\n    option httplog clf" if label == "logged" else ""
        fronts.append(f"""
frontend {label}
    {bind}
    {auth}
    {log}
    http-request set-header X-Forwarded-Proto {"https" if tls else "http"}
    http-request set-header X-Real-IP %[src]
    http-request set-header X-Forwarded-For %[src]
    default_backend upstream""")
    return f"""
global
    nbthread 1
    maxconn 8192
    ssl-default-bind-options ssl-min-ver TLSv1.2
    tune.ssl.cachesize 20000
defaults
    mode http
    option http-keep-alive
    http-reuse always
    timeout connect 10s
    timeout client 600s
    timeout server 600s
    timeout tunnel 600s
userlist people
    user {USER} password {stored}
{"".join(fronts)}
backend upstream
    server one 127.0.0.1:{upstream_port} pool-max-conn {POOL}
"""


def caddy(directory, ports, upstream_port):
    stored = (directory / "bcrypt").read_text().strip().split(":", 1)[1]
    sites = []
    for label, tls in LISTENERS.items():
        scheme = label.removesuffix("tls")
        if scheme == "apr1":
            ports.pop(label)  # It has no apr1.
            continue
        auth = f"basicauth bcrypt {{\n        {USER} {stored}\n    }}" if scheme == "bcrypt" else ""
        log = f"log {{\n        output file {directory}/caddy-access.log\n    }}" if label == "logged" else ""
        # Its address carries a wildcard host: the load's name is localhost, and a probe has none.
        sites.append(f"""
{"https" if tls else "http"}://:{ports[label]} {{
    bind 127.0.0.1
    {f"tls {directory}/cert.pem {directory}/key.pem" if tls else ""}
    {auth}
    {log}
    reverse_proxy 127.0.0.1:{upstream_port} {{
        header_up X-Real-IP {{remote_host}}
        header_up X-Forwarded-For {{remote_host}}
        header_up X-Forwarded-Proto {{scheme}}
        transport http {{
            versions 1.1
            compression off
            keepalive 600s
            keepalive_idle_conns {POOL}
            keepalive_idle_conns_per_host {POOL}
        }}
    }}
}}""")
    return f"""{{
    admin off
    auto_https off
    servers {{
        protocols h1 h2
    }}
    log default {{
        output stderr
        level ERROR
    }}
}}
{"".join(sites)}
"""


def growing(
    directory, name, ports, upstream_port, *, locations=0, users=None, zone=None, sessions=10, keys=None
):
    """A file for postern alone: `locations` of them, an htpasswd file, a limit by address in a zone of that size, so
    many sessions, or a file of API keys."""
    paths = [
        f"location /service-{number:04}/ {{ proxy_pass http://upstream; {FORWARD} }}"
        if number % 2
        else f"location = /page-{number:04} {{ proxy_pass http://upstream; {FORWARD} }}"
        for number in range(1, locations + 1)
    ]
    auth = f'auth_basic "bench"; auth_basic_user_file {users};' if users else ""
    limits = f"limit_req_zone $binary_remote_addr zone=each:{zone} rate=1000000r/s;" if zone else ""
    limit = "limit_req zone=each burst=1000000 nodelay;" if zone else ""
    real = "set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;" if zone else ""
    inner = f"""
    {limits} {real} proxy_set_header Connection "";
    server {{
        listen 127.0.0.1:{ports["plain"]}; server_name localhost; {auth} {limit}
        location / {{ proxy_pass http://upstream; {FORWARD} proxy_set_header Connection ""; }}
        {" ".join(path.replace("}", 'proxy_set_header Connection ""; }') for path in paths)}
    }}
    server {{
        listen 127.0.0.1:{ports["other"]}; server_name localhost;
        location / {{ proxy_pass http://upstream; {FORWARD} proxy_set_header Connection ""; }}
    }}
    {callers(directory, ports, keys or "off", sessions)}"""
    return http_block(directory, name, upstream_port, inner)
