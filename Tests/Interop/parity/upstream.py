"""An upstream that keeps every byte of every request, and answers from a table."""

import socket
import struct
import threading

TEXT = b"Content-Type: text/plain\r\n"

#: Replies by the name that a request asks for in X-Reply. {label} is the upstream's own name.
REPLIES = {
    "ok": b"HTTP/1.1 200 OK\r\n" + TEXT + b"Content-Length: 2\r\n\r\n{label}\n",
    "empty": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "no-type": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbare",
    "odd-reason": b"HTTP/1.1 200 Absolutely Fine\r\nContent-Length: 0\r\n\r\n",
    "no-reason": b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
    "204": b"HTTP/1.1 204 No Content\r\nX-Some: 1\r\n\r\n",
    "304": b'HTTP/1.1 304 Not Modified\r\nETag: "e"\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n\r\n',
    "head": b"HTTP/1.1 200 OK\r\n" + TEXT + b"Content-Length: 12345\r\n\r\n",
    "chunked": b"HTTP/1.1 200 OK\r\n" + TEXT + b"Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n4\r\n two\r\n0\r\n\r\n",
    "chunk-extension": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\none\r\n0\r\n\r\n",
    "trailers": (
        b"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\nX-Sum: 7\r\n\r\n"
    ),
    "until-close": b"HTTP/1.1 200 OK\r\n" + TEXT + b"Connection: close\r\n\r\nto the end",
    "old": b"HTTP/1.0 200 OK\r\n" + TEXT + b"\r\nold and to the end",
    "early-hints": b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    "201": b"HTTP/1.1 201 Created\r\nLocation: /made/1\r\nContent-Length: 0\r\n\r\n",
    "206": b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\nab",
    "400": b"HTTP/1.1 400 Bad Request\r\n" + TEXT + b"Content-Length: 4\r\n\r\nbad\n",
    "401": b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 3\r\n\r\nwho",
    "403": b"HTTP/1.1 403 Forbidden\r\n" + TEXT + b"Content-Length: 3\r\n\r\nno\n",
    "404": b"HTTP/1.1 404 Not Found\r\n" + TEXT + b"Content-Length: 2\r\n\r\n?\n",
    "404-fields": (
        b'HTTP/1.1 404 Not Found\r\nETag: "gone"\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n'
        b"Content-Length: 2\r\n\r\n?\n"
    ),
    "429": b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n",
    "499": b"HTTP/1.1 499 Odd\r\nContent-Length: 0\r\n\r\n",
    "500": b"HTTP/1.1 500 Internal Server Error\r\n" + TEXT + b"Content-Length: 5\r\n\r\nbroke",
    "502": b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 1\r\n\r\nb",
    "503": b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\nContent-Length: 1\r\n\r\ns",
    "504": b"HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 1\r\n\r\nt",
    "fields": (
        b"HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nServer: upstream/1\r\nX-Pad: pad\r\n"
        b"X-Accel-Buffering: no\r\nX-Accel-Expires: 5\r\nX-Powered-By: gears\r\nX-Secret: s\r\nX-Two: a\r\nX-Two: b\r\n"
        b"Set-Cookie: one=1\r\nSet-Cookie: two=2\r\nVary: Accept\r\nCache-Control: no-store\r\n"
        b'Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\nETag: "tag"\r\nContent-Language: en\r\n'
        b"Keep-Alive: timeout=9\r\nConnection: keep-alive\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi"
    ),
    "empty-field": b"HTTP/1.1 200 OK\r\nX-Empty:\r\nX-Space:   spaced   \r\nContent-Length: 0\r\n\r\n",
    "eight-bit": b"HTTP/1.1 200 OK\r\nX-Name: \xc3\xbc\r\nContent-Length: 0\r\n\r\n",
    "many-fields": (
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-N%d: %d\r\n" % (n, n) for n in range(50)) + b"Content-Length: 0\r\n\r\n"
    ),
    "nominated": b"HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nContent-Length: 0\r\n\r\n",
    "refresh": b"HTTP/1.1 200 OK\r\nRefresh: 5; url=http://gateway/next\r\nContent-Length: 0\r\n\r\n",
    "bare-lf": b"HTTP/1.1 200 OK\nX-A: 1\nContent-Length: 2\n\nlf",
    "two-lengths": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    "bad-length": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: two\r\n\r\nab",
    "both-framings": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
    "garbage": b"\x00\x01garbage\r\n\r\n",
    "not-http": b"hello there\r\n\r\n",
    "nothing": b"",
    "half-head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "websocket-no": (
        b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n"
    ),
    "101": (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nframes"
    ),
}
REPLIES |= {
    f"location-{name}": b"HTTP/1.1 %s\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, location)
    for name, status, location in [
        ("gateway", b"302 Found", b"http://gateway/next?q=1"),
        ("inner", b"301 Moved Permanently", b"http://gateway/inner/next"),
        ("relative", b"302 Found", b"/inner/next"),
        ("other", b"302 Found", b"http://other.test/next"),
        ("named", b"307 Temporary Redirect", b"http://named.test/next"),
        ("port", b"302 Found", b"http://gateway:81/next"),
        ("201", b"201 Created", b"http://gateway/made"),
        ("https", b"308 Permanent Redirect", b"https://gateway/next"),
    ]
}

#: Replies after which the upstream closes.
CLOSING = {"until-close", "old", "garbage", "not-http", "nothing", "half-head", "bad-length", "two-lengths", "101"}
#: Answered with a reset, without a byte.
RESETTING = {"reset"}
#: Never answered while the proxy stays.
SILENT = {"silent"}


class Upstream:
    """A TCP server on a port of its own. `received` holds (label, bytes) of every request, in the order of arrival."""

    def __init__(self, label, received, lock):
        self.label = label
        self._received, self._lock = received, lock
        self._open = set()
        #: Requests that have begun to come and are not yet in `received`.
        self.busy = 0
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(256)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop_listening(self):
        """Connections are refused from now on. The port stays taken."""
        port = self.port
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port))

    def close(self):
        for end in [self._listener, *list(self._open)]:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def _accept(self):
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.add(peer)
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        try:
            reader = peer.makefile("rb")
            while self._answer(peer, reader):
                pass
        except (OSError, ValueError):
            pass
        finally:
            self._open.discard(peer)
            peer.close()

    def _answer(self, peer, reader):
        head, body = reader.readline(), bytearray()
        if not head:
            return False
        with self._lock:
            self.busy += 1
        try:
            while not head.endswith(b"\r\n\r\n"):
                line = reader.readline()
                if not line:
                    return False
                head += line
            fields = _fields(head)
            _read_body(reader, fields, body)
        finally:
            # One that is cut short was received as well.
            with self._lock:
                self._received.append((self.label, head + bytes(body)))
                self.busy -= 1
        name = fields.get(b"x-reply", b"ok").decode()
        if only := fields.get(b"x-only"):  # "a=500": this upstream alone answers so.
            names = dict(part.split("=") for part in only.decode().split(","))
            name = names.get(self.label, "ok")
        if name in SILENT:
            peer.settimeout(10)
            peer.recv(1)
            return False
        if name in RESETTING:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        reply = REPLIES[name].replace(b"{label}", self.label.encode())
        if head.startswith(b"HEAD ") and name != "head":
            reply = reply[: reply.find(b"\r\n\r\n") + 4]
        is_last = fields.get(b"connection", b"").lower() == b"close" or b" HTTP/1.0\r\n" in head
        if is_last and b"\r\n\r\n" in reply:
            # Said, so that no proxy keeps a connection that is about to end.
            reply = reply.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        peer.sendall(reply)
        if name == "101":
            while part := peer.recv(65536):
                peer.sendall(part)
        return name not in CLOSING and not is_last


def _fields(head):
    lines = (line.split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
    return {name.strip().lower(): value.strip() for name, value in lines}


def _read_body(reader, fields, body):
    """Appends the raw body, chunk framing and all; ConnectionError when it is cut short."""

    def take(data):
        body.extend(data)
        if not data:
            raise ConnectionError("closed inside a body")
        return data

    if b"chunked" in fields.get(b"transfer-encoding", b"").lower():
        while size := int(take(reader.readline()).split(b";")[0], 16):
            take(reader.read(size + 2))
        while take(reader.readline()) != b"\r\n":
            pass
    elif length := int(fields.get(b"content-length", b"0")):
        if len(take(reader.read(length))) < length:
            raise ConnectionError("closed inside a body")
