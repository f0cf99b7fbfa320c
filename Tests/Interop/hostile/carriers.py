"""What carries a case to the server. Each has a `name`, and `play(server, case, expected)` that answers a `Seen`."""

import socket
import ssl
import time

from harness.client import Connection, head

from .case import WITHIN, Raw, Seen

AFTER = "/open/after"


class HTTP1:
    """HTTP/1.1 over a plain socket or TLS."""

    name = "http/1"

    def play(self, server, case, expected):
        seen = Seen()
        began = time.monotonic()
        try:
            connection = self._connect(server, case)
        except ssl.SSLError:
            return Seen(["no handshake"], True, None, time.monotonic() - began)
        with connection:
            method = "GET" if isinstance(case.sent, Raw) else case.sent.method
            try:
                self._send(connection, self._bytes(case.sent))
                while len(seen.answers) < len(expected.answers):
                    seen.answers.append(connection.response(method).status)
                if expected.ends:
                    seen.ended = connection.is_closed(WITHIN)
                else:
                    answer = connection.request("GET", AFTER)
                    seen.goes_on = (answer.status, answer.body) == (200, AFTER.encode())
            except (socket.timeout, ConnectionError) as error:
                seen.ended = not isinstance(error, socket.timeout)
            seen.seconds = time.monotonic() - began
        return seen

    @staticmethod
    def _send(connection, data):
        connection.send(data)

    @staticmethod
    def _connect(server, case):
        if case.port == "plain":
            return Connection(server.ports["plain"], timeout=WITHIN * 3)
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return Connection(server.ports["tls"], context, sni=case.sent.sni, timeout=WITHIN * 3)

    @staticmethod
    def _bytes(sent):
        if isinstance(sent, Raw):
            return sent.data
        return head(sent.method, sent.target, sent.fields, sent.body, sent.host) + (sent.body or b"")


class HTTP1InPieces(HTTP1):
    """The same, a byte at a time (a few, where there are many)."""

    name = "http/1 in pieces"

    @staticmethod
    def _send(connection, data):
        size = len(data) // 1000 + 1
        try:
            for start in range(0, len(data), size):
                connection.send(data[start : start + size])
        except ConnectionError:  # Refused before the end was sent; the answer is there to be read.
            pass


#: By name, as cases have them.
CARRIERS = {carrier.name: carrier for carrier in (HTTP1(), HTTP1InPieces())}
