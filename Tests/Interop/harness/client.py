"""An HTTP/1.1 client that hides nothing: raw heads, interim replies, framing and closes are all visible."""

import base64
import select
import socket
import ssl
import threading
import time


class Response:
    """A reply. `fields` keeps order and repeats; `interim` holds the status codes of 1xx replies before it."""

    def __init__(self, head):
        self.head = head
        lines = head.decode("latin-1").split("\r\n")
        self.version, status = lines[0].split(" ")[:2]
        self.status = int(status)
        self.fields = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:] if ":" in line]
        self.interim = []
        self.body = b""
        self.body_length = 0

    def values(self, name):
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def value(self, name):
        values = self.values(name)
        return values[0] if values else None

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")


def basic(user, password):
    """The Authorization field for a Basic login."""
    return ("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())


def trusting():
    """A TLS context that trusts anybody, for tests that ask other things. It reads no authorities, which would take long."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Connection:
    """One client connection, TLS unless `context` is None."""

    def __init__(
        self,
        port,
        context=None,
        sni="localhost",
        host="127.0.0.1",
        timeout=20,
        source=None,
        receive_buffer=None,
        session=None,
    ):
        raw = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        raw.settimeout(timeout)
        if receive_buffer:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            raw.bind((source, 0))
        try:
            raw.connect((host, port))
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket = context.wrap_socket(raw, server_hostname=sni, session=session) if context else raw
        except BaseException:
            raw.close()
            raise
        self._pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self.socket.close()
        except OSError:
            pass

    def send(self, data):
        self.socket.sendall(data)

    def request(self, method="GET", target="/", fields=(), body=None, host="localhost"):
        """Sends a request and reads its reply."""
        self.send(head(method, target, fields, body, host) + (body or b""))
        return self.response(method)

    def take(self, size=65536):
        """Some bytes, b'' at the end (a TLS end without close_notify counts as an end)."""
        if self._pending:
            data, self._pending = self._pending[:size], self._pending[size:]
            return data
        try:
            return self.socket.recv(size)
        except ssl.SSLEOFError:
            return b""

    def response(self, method="GET", keep=64 << 20):
        """Reads one reply with its body; ConnectionError when the peer closes first."""
        answer = self.response_head()
        interim = []
        while 100 <= answer.status < 200 and answer.status != 101:
            interim.append(answer.status)
            answer = self.response_head()
        answer.interim = interim
        if method == "HEAD" or answer.status in (101, 204, 304):
            return answer
        coding, length = answer.value("Transfer-Encoding"), answer.value("Content-Length")
        if coding:
            while size := self.chunk_size():
                self._body(answer, size, keep)
                self.line()
            while self.line():
                pass
        elif length is not None:
            self._body(answer, int(length), keep)
        else:
            while part := self.take(1 << 20):
                answer.body_length += len(part)
                if answer.body_length <= keep:
                    answer.body += part
        return answer

    def response_head(self):
        data = b""
        while b"\r\n\r\n" not in data:
            part = self.take()
            if not part:
                raise ConnectionError(f"closed inside a reply's head: {data!r}")
            data += part
        first, rest = data.split(b"\r\n\r\n", 1)
        self._pending = rest + self._pending
        return Response(first)

    def line(self):
        data = b""
        while not data.endswith(b"\r\n"):
            byte = self.take(1)
            if not byte:
                raise ConnectionError("closed inside a line")
            data += byte
        return data[:-2]

    def chunk_size(self):
        return int(self.line().split(b";")[0], 16)

    def chunk(self):
        """One chunk of a chunked reply; b'' for the last."""
        size = self.chunk_size()
        data = self.exactly(size)
        self.line()
        return data

    def exactly(self, size):
        parts = []
        while size:
            part = self.take(min(size, 1 << 20))
            if not part:
                raise ConnectionError("closed early")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def exchange(self, data, size):
        """Sends `data` while it reads `size` bytes, in one thread: a TLS socket bears no second one."""
        received, view = [], memoryview(data)
        limit = time.monotonic() + self.socket.gettimeout()
        self.socket.setblocking(False)
        try:
            while size or view:
                moved = False
                if view:
                    try:
                        sent = self.socket.send(view[:65536])
                        view, moved = view[sent:], True
                    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                        pass
                if size:
                    try:
                        part = self.take(min(size, 65536))
                        if not part:
                            raise ConnectionError("closed early")
                        received.append(part)
                        size, moved = size - len(part), True
                    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                        pass
                if time.monotonic() > limit:
                    raise socket.timeout("no end to the exchange")
                if not moved:
                    select.select([self.socket], [self.socket] if view else [], [], 0.1)
        finally:
            self.socket.settimeout(20)
        return b"".join(received)

    def is_closed(self, timeout=5.0):
        """Whether the peer closes, sending nothing more, within `timeout` seconds."""
        self.socket.settimeout(timeout)
        try:
            return self.take(1) == b""
        except ConnectionError:
            return True
        except socket.timeout:
            return False

    def _body(self, answer, size, keep):
        parts = []
        while size:
            part = self.take(min(size, 1 << 20))
            if not part:
                raise ConnectionError(f"closed inside a body, {size} bytes short")
            size -= len(part)
            answer.body_length += len(part)
            if answer.body_length <= keep:
                parts.append(part)
        answer.body += b"".join(parts)


def head(method, target, fields=(), body=None, host="localhost"):
    """A request head; Content-Length follows from `body`."""
    lines = [f"{method} {target} HTTP/1.1"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in fields]
    names = [name.lower() for name, _ in fields]
    if body is not None and "content-length" not in names and "transfer-encoding" not in names:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def in_threads(count, work):
    """Runs `work(index)` in `count` threads; returns the results in order, and raises the first error."""
    results, errors = [None] * count, []

    def run(index):
        try:
            results[index] = work(index)
        except BaseException as error:  # noqa: BLE001 - handed to the caller
            errors.append(error)

    threads = [threading.Thread(target=run, args=(index,), daemon=True) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    if errors:
        raise errors[0]
    return results
