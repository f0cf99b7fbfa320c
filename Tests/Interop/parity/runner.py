"""Starts both programs on one file, asks both the same, and hands back what was seen."""

import os
import re
import ssl
import threading
from pathlib import Path

from harness.client import Connection
from harness.ports import wait_until
from harness.process import REPOSITORY, Server

from .observe import Names, Reply, observe
from .upstream import Upstream

FILES = Path(__file__).parent / "files"
#: The request by which the runner learns whether a connection is still open; it is nobody's case.
PROBE = re.compile(r"GET /[a-z?]*probe HTTP/1\.1\|")

#: Takes any certificate: other tests look at those.
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE

PEERS = {"nginx": "nginx", "postern-nginx": "postern"}

#: What stands in every file for {main} and {http}: what a machine decides, and the log that is compared.
MAIN = """worker_processes 1;
pid {directory}/server.pid;
error_log {directory}/error.log info;
"""
HTTP = """client_body_temp_path {directory}/body_temp;
    proxy_temp_path {directory}/proxy_temp;
    fastcgi_temp_path {directory}/fastcgi_temp;
    uwsgi_temp_path {directory}/uwsgi_temp;
    scgi_temp_path {directory}/scgi_temp;
    log_format parity '$realip_remote_port|$request|$status|$remote_addr|$remote_user|$upstream_status';
    access_log {directory}/access.log parity;
"""


class SharedSite:
    """What harness.process needs to know: the file with ports and paths in place of its words in braces."""

    auth, users = False, None
    ready = "plain"

    def __init__(self, file, values):
        self.listeners = list(file.listeners)
        self._file, self._values = file, values

    def render(self, _dialect, ports, directory, certificate, key):
        # As root, workers would become "nobody" and could not read the test's directory.
        user = "user root;\n" if os.geteuid() == 0 else ""
        for name, text in self._file.files.items():
            (directory / name).write_text(text)
        values = {"main": user + MAIN, "http": HTTP, **ports, **self._values}
        values |= {"directory": directory, "certificate": certificate, "key": key}
        if self._file.path:
            text = self._file.adapt((REPOSITORY / self._file.path).read_text())
        else:
            text = (FILES / f"{self._file.name}.conf").read_text()
        for name, value in values.items():
            text = text.replace("{" + name + "}", str(value))
        return text


def run(file, directory, certificate, context):
    """Case id → (Nginx's observation, Postern's), for all of a file's cases."""
    seen, errors = {}, []

    def work(peer):
        try:
            home = directory / peer
            home.mkdir()
            seen[peer] = _run_one(peer, file, home, certificate, context)
        except BaseException as error:  # noqa: BLE001 - raised below, in the test's thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=(peer,), daemon=True) for peer in PEERS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    if errors:
        raise errors[0]
    nginx, postern = (seen[peer] for peer in PEERS)
    return {case.id: (nginx[case.id], postern[case.id]) for case in file.cases}


def _run_one(peer, file, directory, certificate, context):
    received, lock = [], threading.Lock()
    upstreams = [Upstream(label, received, lock) for label in ("a", "b", "c")]
    refusing = Upstream("refusing", received, lock)
    refusing.stop_listening()
    values = {upstream.label: upstream.port for upstream in (*upstreams, refusing)}
    server = None
    try:
        server = Server(peer, directory, SharedSite(file, values), *certificate, context)
        raw = {}
        for case in file.cases:
            before = len(received)
            client_port, replies, ending = _run_case(server, file, case, {seen[0] for seen in raw.values()})
            wait_until(lambda: not any(upstream.busy for upstream in upstreams), "the upstreams to have all", 5)
            raw[case.id] = client_port, replies, ending, received[before:]
        server.stop()  # Both have written their logs when they end.
        lines = _log_lines(server)
    finally:
        if server:
            server.stop()
        for upstream in (*upstreams, refusing):
            upstream.close()
    names = Names(values | server.ports)
    program = PEERS[peer]
    return {
        case.id: observe(
            program,
            [step.method for step in case.steps for _ in range(step.replies)],
            replies,
            ending,
            got,
            lines.get(client_port, []),
            names,
        )
        for case, (client_port, replies, ending, got) in zip(file.cases, raw.values(), strict=True)
    }


def _log_lines(server):
    """Client port → its lines, less the port and the probe's."""
    found = {}
    for line in server.access_log.splitlines():
        port, _, rest = line.partition("|")
        if not PROBE.search(rest):
            found.setdefault(port, []).append(rest)
    return found


def _connect(server, case, used):
    """A connection from a port that no earlier case had: the log's lines are told apart by it."""
    context = TLS if case.port == "tls" else None
    while True:
        connection = Connection(server.ports[case.port], context, sni=case.sni, source=case.source, timeout=4)
        port = str(connection.socket.getsockname()[1])
        if port not in used:
            return port, connection
        connection.close()


def _run_case(server, file, case, used):
    """The client's port, the replies, and what became of the connection."""
    port, connection = _connect(server, case, used)
    with connection:
        replies = []
        try:
            for step in case.steps:
                connection.send(step.data)
                for _ in range(step.replies):
                    replies.append(_reply(connection, step))
            if replies and replies[-1].line.split()[1] == "101":
                connection.send(b"echo")
                replies[-1].body = connection.exactly(len(b"frames") + len(b"echo"))
                return port, replies, "upgraded"
            connection.send(file.probe)
            reply = _reply(connection, None)
            return port, replies, "kept" if reply.line.split()[1] in file.probe_statuses else f"odd: {reply.line}"
        except TimeoutError:
            return port, replies, "silent"
        except ValueError:
            return port, replies, "not HTTP"
        except (ConnectionError, OSError):
            return port, replies, "closed"


def _reply(connection, step):
    """Reads a reply. ConnectionError when there is none."""
    interim = []
    while True:
        head = connection.response_head()
        line = head.head.decode("latin-1").split("\r\n")[0]
        if not 100 <= head.status < 200 or head.status == 101:
            break
        interim.append(line)
        if head.status == 100 and step and step.after_continue is not None:
            connection.send(step.after_continue)
    reply = Reply(line, head.fields, interim)
    method = step.method if step else "GET"
    if method == "HEAD" or head.status in (101, 204, 304):
        return reply
    coding, length = head.value("Transfer-Encoding"), head.value("Content-Length")
    try:
        if coding:
            while size := connection.chunk_size():
                reply.body += connection.exactly(size)
                connection.line()
            while line := connection.line():
                reply.trailers.append(line.decode("latin-1"))
        elif length is not None:
            reply.body = connection.exactly(int(length))
        else:
            while part := connection.take():
                reply.body += part
    except (ConnectionError, ValueError):
        reply.cut = True
    return reply
