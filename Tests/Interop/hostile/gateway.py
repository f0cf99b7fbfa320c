"""The gateway of these tests: reads requests as strictly as the standard has it, and writes down every byte."""

import re
import select
import socket
import threading
import time

REQUEST_LINE = re.compile(rb"^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e]+ HTTP/1\.[01]$")
FIELD = re.compile(rb"^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$")


class Request:
    """One whole request."""

    def __init__(self, method, target, fields):
        self.method, self.target, self.fields = method, target, fields
        self.body = b""
        self.trailers = []

    def values(self, name):
        """The values under any spelling of the folded `name`."""
        return [value for field, value in self.fields if folded(field) == name]


def folded(name):
    return name.lower().replace("_", "-").replace(".", "-")


class Gateway:
    """Answers 200 with the target as the body; what can be read in two ways is an entry in `wrong`."""

    def __init__(self):
        self._lock = threading.Lock()
        self._open = {}
        self.forget()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def forget(self):
        with self._lock:
            self.requests, self.wrong, self.raw = [], [], []

    def close(self):
        self._listener.close()
        with self._lock:
            for peer in self._open:
                peer.close()

    def settle(self):
        """Waits until everything that was sent here is read, and nothing is under way that Postern might yet complete:
        what it dropped is closed."""
        deadline = time.monotonic() + 2
        while not (settled := self._is_settled()) and time.monotonic() < deadline:
            time.sleep(0.002)
        return settled

    def _is_settled(self):
        with self._lock:
            if any(reader.is_busy for reader in self._open.values()):
                return False
            return select.select([self._listener, *self._open], [], [], 0)[0] == []

    def _accept(self):
        while True:
            try:
                select.select([self._listener], [], [])
                with self._lock:
                    peer, _ = self._listener.accept()
                    self._open[peer] = Reader(self, peer)
            except (OSError, ValueError):  # Closed.
                return
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(peer, self._open[peer]), daemon=True).start()

    def _serve(self, peer, reader):
        try:
            reader.run()
        except (OSError, EOFError):
            pass
        except ValueError as error:
            self.wrong.append(str(error))
        finally:
            with self._lock:
                self._open.pop(peer, None)
                peer.close()

    def take(self, reader, peer):
        """Some bytes, written down before anyone can ask whether they were read; b'' at the end."""
        select.select([peer], [], [])
        with self._lock:
            data = peer.recv(65536)
            if data:
                reader.is_busy = True
                self.raw.append(data)
            return data


class Reader:
    """One connection."""

    def __init__(self, gateway, peer):
        self._gateway, self._peer, self._pending = gateway, peer, b""
        #: Whether a request has begun to come and isn't answered.
        self.is_busy = False

    def run(self):
        while self._pending or self._more():
            request = self._request()
            self._gateway.requests.append(request)
            self._answer(request)
            self.is_busy = bool(self._pending)

    def _answer(self, request):
        body = request.target.encode()
        status = b"426 Upgrade Required" if "/declines" in request.target else b"200 OK"
        head = b"HTTP/1.1 " + status + b"\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body)
        self._peer.sendall(head if request.method == "HEAD" else head + body)

    def _request(self):
        line = self._line()
        if not REQUEST_LINE.match(line):
            raise ValueError(f"a request line that isn't one: {line!r}")
        method, target, version = line.decode().split(" ")
        request = Request(method, target, self._fields())
        names = [folded(name) for name, _ in request.fields]
        lengths, codings = request.values("content-length"), request.values("transfer-encoding")
        if names.count("host") != 1 and version == "HTTP/1.1":
            raise ValueError(f"not one Host: {request.fields}")
        if len(lengths) + len(codings) > 1:
            raise ValueError(f"more than one framing: {request.fields}")
        if codings:
            if codings != ["chunked"] or version != "HTTP/1.1":
                raise ValueError(f"a coding: {codings} in {version}")
            self._chunks(request)
        elif lengths:
            if not re.fullmatch("[0-9]{1,18}", lengths[0]):
                raise ValueError(f"a length: {lengths}")
            request.body = self._exactly(int(lengths[0]))
        return request

    def _fields(self):
        fields = []
        while line := self._line():
            match = FIELD.match(line)
            if not match:
                raise ValueError(f"a field that isn't one: {line!r}")
            fields.append((match.group(1).decode(), match.group(2).decode("latin-1")))
        return fields

    def _chunks(self, request):
        while True:
            line = self._line()
            if not re.fullmatch(b"[0-9A-Fa-f]{1,15}", line):
                raise ValueError(f"a chunk's size: {line!r}")
            if not int(line, 16):
                break
            request.body += self._exactly(int(line, 16))
            if self._line():
                raise ValueError("a chunk that goes on")
        request.trailers = self._fields()

    def _line(self):
        while b"\n" not in self._pending:
            if not self._more():
                raise EOFError
        line, self._pending = self._pending.split(b"\n", 1)
        if not line.endswith(b"\r") or b"\r" in line[:-1]:
            raise ValueError(f"a line's end: {line!r}")
        return line[:-1]

    def _exactly(self, count):
        while len(self._pending) < count:
            if not self._more():
                raise EOFError
        data, self._pending = self._pending[:count], self._pending[count:]
        return data

    def _more(self):
        data = self._gateway.take(self, self._peer)
        self._pending += data
        return bool(data)
