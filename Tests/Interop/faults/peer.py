"""The scripted upstream, a process of its own: each path misbehaves in its way.

`python -m faults.peer CERTIFICATE KEY` prints its ports on one line, and ends when its standard input does.
"""

import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

#: What the scripts of paths do, by name.
SCRIPTS = {}


def script(function):
    SCRIPTS[function.__name__] = function
    return function


class Caller:
    """One connection of the proxy, of which a request's head was read."""

    def __init__(self, peer, data):
        self.socket = peer
        self.data = data

    def send(self, data):
        self.socket.sendall(data)

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def wait_gone(self, timeout=20):
        """Until the proxy has left."""
        self.socket.settimeout(timeout)
        try:
            while self.socket.recv(65536):
                pass
        except OSError:
            pass

    def trickle(self, data, pause):
        try:
            for byte in data:
                self.send(bytes([byte]))
                time.sleep(pause)
        except OSError:
            pass


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
TEN = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def sends(name, *parts, end="close"):
    """A script that sends, and then closes, resets, or says nothing more."""

    def run(caller):
        for part in parts:
            caller.send(part)
        if end == "reset":
            # The parts are to be read on their own, not found together with the reset.
            time.sleep(0.002 if parts else 0)
            caller.reset()
        elif end == "silence":
            caller.wait_gone()

    SCRIPTS[name] = run


sends("closes_at_once")
sends("resets_before_the_head", end="reset")
sends("resets_in_the_head", b"HTTP/1.1 200 OK\r\nContent-Le", end="reset")
sends("closes_in_the_head", b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\n")
sends("stops_in_the_head", b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\n", end="silence")
sends("resets_after_the_head", TEN, end="reset")
sends("resets_in_the_body", TEN + b"four", end="reset")
sends("less_than_its_length", TEN + b"four")
sends("stops_in_the_body", TEN + b"four", end="silence")
sends("more_than_its_length", OK + b"surplus")
sends("more_than_nothing", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nsurplus")
sends("more_than_its_chunks", CHUNKED + b"4\r\nfour\r\n0\r\n\r\nsurplus")
sends("closes_in_a_chunk", CHUNKED + b"10\r\nfour")
sends("resets_in_a_chunk", CHUNKED + b"10\r\nfour", end="reset")
sends("bad_chunk", CHUNKED + b"4\r\nfourfive\r\n0\r\n\r\n")
sends("trailers_cut", CHUNKED + b"4\r\nfour\r\n0\r\nX-Sum: 1")
sends("silent", end="silence")
sends("garbage", b"\x00\x01\x02\xff garbage\r\n\r\n")
sends("ssh", b"SSH-2.0-OpenSSH_9.2p1\r\n")
sends("two_lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nok\n")
sends("length_and_chunked", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
sends("continues_and_stops", b"HTTP/1.1 100 Continue\r\n\r\n", end="silence")
sends("continues_for_ever", b"HTTP/1.1 100 Continue\r\n\r\n" * 40, end="silence")
sends("switches", SWITCHING, end="silence")
sends("big_head", b"HTTP/1.1 200 OK\r\nX-Big: " + b"x" * 70_000 + b"\r\n\r\n", end="silence")
sends("many_fields", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n", end="silence")
sends("refuses_the_body", b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


@script
def ok(caller):
    """Answers properly, and goes on."""
    caller.send(OK)
    return True


@script
def never_reads(caller):
    """Holds the connection and takes nothing from it."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        time.sleep(0.05)
        # Gone is gone; what lies in the buffer stays there.
        information = caller.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)
        if information[0] != 1:  # TCP_ESTABLISHED
            return


@script
def trickles_its_head(caller):
    caller.trickle(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 10_000, 0.02)


@script
def zeros(caller):
    """A body without end."""
    try:
        caller.send(CHUNKED)
        while True:
            caller.send(b"10000\r\n" + bytes(65536) + b"\r\n")
    except OSError:
        pass


@script
def slow_answer(caller):
    """An answer that takes longer than a moment."""
    time.sleep(0.3)
    caller.send(OK)


@script
def speaks_up(caller):
    """An answer, and some words later, when its connection is in the pool."""
    caller.send(OK)
    time.sleep(0.05)
    caller.send(b"HTTP/1.1 408 Request Timeout\r\n\r\n")


@script
def answers_and_hangs_up(caller):
    """A whole answer that promises to go on, and no going on."""
    caller.send(OK)


@script
def takes_the_body(caller):
    """Reads a body of the announced length, and answers."""
    length = int(re.search(rb"(?i)content-length: (\d+)", caller.data).group(1))
    length -= len(caller.data.split(b"\r\n\r\n", 1)[1])
    try:
        while length > 0:
            part = caller.socket.recv(65536)
            if not part:
                return False
            length -= len(part)
        caller.send(OK)
    except OSError:
        return False
    return True


@script
def breaks_tls(caller):
    """Half a reply, and then bytes that are no record."""
    caller.send(TEN + b"four")
    os.write(caller.socket.fileno(), b"\x17\x03\x03\x00\x20" + b"\xaa" * 32)
    caller.wait_gone()


@script
def upgrades(caller):
    caller.send(SWITCHING)
    try:
        while data := caller.socket.recv(65536):
            if b"reset" in data:
                caller.reset()
                return
            caller.send(data)
    except OSError:
        pass


def serve(peer, context=None):
    try:
        with peer:
            if context:
                peer = context.wrap_socket(peer, server_side=True)
            goes_on = True
            while goes_on:
                data = b""
                while b"\r\n\r\n" not in data:
                    part = peer.recv(65536)
                    if not part:
                        return
                    data += part
                # The last part of the path names the script.
                name = data.split(b" ", 2)[1].rsplit(b"/", 1)[-1].decode()
                goes_on = SCRIPTS.get(name, ok)(Caller(peer, data)) is True
    except OSError:
        pass


def serve_chatty(peer):
    """Plain HTTP, whatever comes."""
    with peer:
        caller = Caller(peer, b"")
        try:
            peer.recv(65536)
            caller.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
            peer.shutdown(socket.SHUT_WR)
        except OSError:
            return
        caller.wait_gone()


def listen(backlog=1024):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(backlog)
    return listener


def accept_all(listener, work):
    def run():
        while True:
            peer, _ = listener.accept()
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            work(peer)

    threading.Thread(target=run, daemon=True).start()
    return listener


def in_thread(function, *arguments):
    threading.Thread(target=function, args=arguments, daemon=True).start()


def main(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    refusing = socket.socket()
    refusing.bind(("127.0.0.1", 0))  # Held, and nobody listens.
    full = listen(0)
    fillers = []
    for _ in range(4):  # Its queue is full: the kernel answers no more calls.
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(full.getsockname())
        fillers.append(filler)
    sockets = {
        "scripted": accept_all(listen(), lambda peer: in_thread(serve, peer)),
        "secure": accept_all(listen(), lambda peer: in_thread(serve, peer, context)),
        "resetting": accept_all(listen(), lambda peer: Caller(peer, b"").reset()),
        "chatty": accept_all(listen(), lambda peer: in_thread(serve_chatty, peer)),
        "refusing": refusing,
        "full": full,
    }
    print(" ".join(f"{name}={listener.getsockname()[1]}" for name, listener in sockets.items()), flush=True)
    sys.stdin.read()


class Peer:
    """The process, seen from the tests. `ports` maps the names of its sockets to their ports."""

    def __init__(self, certificate, key):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "faults.peer", str(certificate), str(key)],
            cwd=Path(__file__).resolve().parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        pairs = (pair.split("=") for pair in self._process.stdout.readline().split())
        self.ports = {name: int(port) for name, port in pairs}
        self.pid = self._process.pid

    def close(self):
        self._process.stdin.close()
        self._process.wait(10)


if __name__ == "__main__":
    main(*sys.argv[1:])
