"""The upstream of the tests: writes down every request byte for byte and answers as it is told."""

import base64
import hashlib
import socket
import struct
import threading

from .ports import wait_until


class Request:
    """One request as it arrived. `head` is raw, up to and with the blank line."""

    def __init__(self, head, connection_id):
        self.head = head
        self.connection_id = connection_id
        lines = head.decode("latin-1").split("\r\n")
        self.line = lines[0]
        self.method, self.target, self.version = (self.line.split(" ") + ["", ""])[:3]
        self.fields = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:] if ":" in line]
        self.body = b""
        self.body_length = 0
        self.trailers = b""

    def values(self, name):
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def value(self, name):
        values = self.values(name)
        return values[0] if values else None


class Exchange:
    """What a handler gets: the request, and the connection to answer on."""

    def __init__(self, request, connection):
        self.request = request
        self._connection = connection
        self.keep_alive = True

    def send(self, data):
        self._connection.socket.sendall(data)

    def receive(self, size=65536):
        """Bytes after the request; b'' at the end. Raises ConnectionResetError on a reset."""
        return self._connection.take(size)

    def reply(self, status=200, body=b"ok\n", fields=(), reason="Reason"):
        head = [f"HTTP/1.1 {status} {reason}"]
        names = [name.lower() for name, _ in fields]
        if "content-type" not in names:
            head.append("Content-Type: text/plain")
        if "content-length" not in names and status not in (204, 304) and status >= 200:
            head.append(f"Content-Length: {len(body)}")
        head += [f"{name}: {value}" for name, value in fields]
        if self.request.method == "HEAD":
            body = b""
        self.send("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body)

    def start_chunked(self, content_type="text/event-stream", fields=()):
        extra = "".join(f"{name}: {value}\r\n" for name, value in fields)
        self.send(
            f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n{extra}Transfer-Encoding: chunked\r\n\r\n".encode()
        )

    def chunk(self, data):
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def end_chunked(self):
        self.send(b"0\r\n\r\n")

    def close(self):
        self.keep_alive = False

    def reset(self):
        """Closes with a TCP reset."""
        self.keep_alive = False
        self._connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.socket.close()

    def wait_peer_gone(self, timeout):
        """Waits for the proxy to close or reset this connection; False when it has not within `timeout` seconds."""
        self._connection.socket.settimeout(timeout)
        try:
            while self._connection.take(65536):
                pass
            return True
        except socket.timeout:
            return False
        except OSError:
            return True

    def accept_websocket(self, greeting=b""):
        """Answers the upgrade; `greeting` goes out in the same write as the 101."""
        key = (self.request.value("Sec-WebSocket-Key") or "").encode()
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        self.keep_alive = False
        self.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + greeting
        )

    def echo_websocket(self):
        """Echoes WebSocket messages until the peer closes."""
        self.accept_websocket()
        while True:
            first, second = self._exactly(2)
            length = second & 0x7F
            if length == 126:
                length = struct.unpack(">H", self._exactly(2))[0]
            elif length == 127:
                length = struct.unpack(">Q", self._exactly(8))[0]
            mask = self._exactly(4)
            payload = _unmask(self._exactly(length), mask)
            opcode = first & 0x0F
            if opcode == 9:
                first = (first & 0xF0) | 10
            self.send(_server_frame(first, payload))
            if opcode == 8:
                return

    def echo_bytes(self):
        """After the 101: every byte back as it came."""
        self.accept_websocket()
        while data := self.receive():
            self.send(data)

    def _exactly(self, size):
        parts = []
        while size:
            part = self.receive(min(size, 1 << 20))
            if not part:
                raise ConnectionError("closed inside a frame")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def _unmask(payload, mask):
    if not payload:
        return b""
    length = len(payload)
    pad = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")).to_bytes(length, "big")


def _server_frame(first, payload):
    length = len(payload)
    if length < 126:
        return bytes([first, length]) + payload
    if length < 65536:
        return bytes([first, 126]) + struct.pack(">H", length) + payload
    return bytes([first, 127]) + struct.pack(">Q", length) + payload


class _Connection:
    def __init__(self, peer, number):
        self.socket = peer
        self.number = number
        self._pending = b""

    def take(self, size):
        if self._pending:
            data, self._pending = self._pending[:size], self._pending[size:]
            return data
        return self.socket.recv(size)

    def head(self):
        """The next request head, or None at a clean end."""
        data = b""
        while b"\r\n\r\n" not in data:
            part = self.take(65536)
            if not part:
                return None
            data += part
        head, self._pending = data.split(b"\r\n\r\n", 1)[0] + b"\r\n\r\n", data.split(b"\r\n\r\n", 1)[1] + self._pending
        return head

    def line(self):
        data = b""
        while not data.endswith(b"\r\n"):
            byte = self.take(1)
            if not byte:
                raise ConnectionError("closed inside a chunk head")
            data += byte
        return data[:-2]

    def body(self, request, keep):
        """Reads the body, keeping at most `keep` bytes of it."""
        coding = (request.value("Transfer-Encoding") or "").lower()
        if coding.endswith("chunked"):
            while size := int(self.line().split(b";")[0], 16):
                self._count(request, size, keep)
                self.line()
            while line := self.line():
                request.trailers += line + b"\r\n"
        elif length := request.value("Content-Length"):
            self._count(request, int(length), keep)

    def _count(self, request, size, keep):
        parts = []
        while size:
            part = self.take(min(size, 1 << 20))
            if not part:
                raise ConnectionError("closed inside a body")
            size -= len(part)
            request.body_length += len(part)
            if request.body_length <= keep:
                parts.append(part)
        request.body += b"".join(parts)


class Recorder:
    """A TCP server with a thread per connection. `on(path, handler)` scripts a path; the default answers 200."""

    KEEP_BODY = 4 << 20

    def __init__(self, host="127.0.0.1", port=0):
        self.requests = []
        self.raw_connections = 0
        self.errors = []
        self._handlers = {}
        self._raw_handler = None
        self._lock = threading.Lock()
        self._open = set()
        self._listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((host, port))
        self._listener.listen(1024)
        self.host, self.port = self._listener.getsockname()[:2]
        self.default = lambda exchange: exchange.reply()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def on(self, path, handler):
        """Scripts requests whose target, less its query, is `path`. The handler gets the request with its body read."""
        self._handlers[path] = (handler, True)
        return self

    def on_head(self, path, handler):
        """The same, called when the head is in and before any of the body is read."""
        self._handlers[path] = (handler, False)
        return self

    def for_path(self, path):
        return [request for request in list(self.requests) if request.target.split("?")[0] == path]

    def last(self, path=None, timeout=5.0):
        """The newest request (to `path`), waiting for it if need be."""
        found = wait_until(lambda: self.for_path(path) if path else list(self.requests), "a recorded request", timeout)
        return found[-1]

    def close(self):
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        with self._lock:
            still_open, self._open = self._open, set()
        for peer in still_open:
            try:
                peer.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            peer.close()

    def _accept(self):
        number = 0
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            number += 1
            self.raw_connections = number
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open.add(peer)
            threading.Thread(target=self._serve, args=(_Connection(peer, number),), daemon=True).start()

    def _serve(self, connection):
        try:
            while (head := connection.head()) is not None:
                request = Request(head, connection.number)
                self.requests.append(request)
                exchange = Exchange(request, connection)
                handler, wants_body = self._handlers.get(request.target.split("?")[0], (self.default, True))
                if wants_body:
                    if (request.value("Expect") or "").lower() == "100-continue":
                        exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")
                    connection.body(request, self.KEEP_BODY)
                handler(exchange)
                if not exchange.keep_alive:
                    break
        except (OSError, ConnectionError, ValueError) as error:
            self.errors.append(error)
        finally:
            with self._lock:
                self._open.discard(connection.socket)
            try:
                connection.socket.close()
            except OSError:
                pass
