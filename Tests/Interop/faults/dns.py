"""A name server on loopback, for one server under test that looks at a resolv.conf of its own."""

import os
import random
import shutil
import socket
import struct
import subprocess
import threading
import time

import pytest

A, AAAA = 1, 28
NXDOMAIN, SERVFAIL = 3, 2


class NameServer:
    """Answers every A query with `addresses`, or as `mode` says: "refuses", "fails", "silent", "garbage"."""

    def __init__(self, addresses=(), mode="answers"):
        self.addresses = list(addresses)
        self.mode = mode
        self._asked = threading.Condition()
        self.answered = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for _ in range(20):
            # resolv.conf(5) knows no ports: an address that nobody else has, then.
            self.host = f"127.{random.randint(16, 250)}.{random.randint(1, 250)}.{random.randint(1, 250)}"
            try:
                self._socket.bind((self.host, 53))
                break
            except PermissionError:
                pytest.skip("port 53 of a loopback address is not to be had")
            except OSError:
                continue
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait_answered(self, before, timeout=10):
        """Waits until more than `before` queries (one for each kind of address) were answered, and taken notice of."""
        with self._asked:
            if not self._asked.wait_for(lambda: self.answered >= before + 2, timeout):
                raise AssertionError("nobody asked the name server")
        time.sleep(0.2)

    def close(self):
        # The thread ends first: it must not read on from a number that is another socket's by then.
        self._is_closing = True
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", (self.host, 53))
        self._thread.join(10)
        self._socket.close()

    def _run(self):
        while True:
            try:
                query, peer = self._socket.recvfrom(2048)
                if self._is_closing:
                    return
                reply = self._reply(query)
                if reply:
                    self._socket.sendto(reply, peer)
            except OSError:
                return
            with self._asked:
                self.answered += 1
                self._asked.notify_all()

    def _reply(self, query):
        if self.mode == "silent":
            return None
        if self.mode == "garbage":
            return query[:2] + b"\xff" * 40
        end = query.index(b"\0", 12) + 5
        question, kind = query[12:end], struct.unpack(">H", query[end - 4 : end - 2])[0]
        code = {"refuses": NXDOMAIN, "fails": SERVFAIL}.get(self.mode, 0)
        answers = self.addresses if kind == A and code == 0 else []
        head = query[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(answers), 0, 0)
        records = [b"\xc0\x0c" + struct.pack(">HHIH", A, 1, 1, 4) + socket.inet_aton(each) for each in answers]
        return head + question + b"".join(records)


def private_names(directory, server):
    """A command prefix: the program sees a resolv.conf that names `server`, in a mount namespace of its own."""
    files = {
        "resolv.conf": f"nameserver {server.host}\noptions timeout:1 attempts:1\n",
        "nsswitch.conf": "hosts: files dns\n",
        "hosts": "127.0.0.1 localhost\n",
    }
    mounts = ""
    for name, text in files.items():
        (directory / name).write_text(text)
        mounts += f'mount --bind "{directory / name}" "$(readlink -f /etc/{name})" && '
    rights = ["--mount"] if os.geteuid() == 0 else ["--mount", "--map-root-user"]
    wrap = ["unshare", *rights, "sh", "-c", mounts + 'exec "$@"', "sh"]
    if not shutil.which("unshare") or subprocess.run([*wrap, "true"], capture_output=True).returncode != 0:
        pytest.skip("mount namespaces are not allowed here")
    return wrap
