"""What callers prove themselves by: sessions that are begun by logging in, and files of API keys."""

import hashlib
import json
import secrets
import socket
import string
import time
import urllib.parse
import zlib

from configurations import CALLER_USERS, PASSWORD

DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase


def log_in(port, count=1, cookies=(b"__host-postern=",)):
    """Begins sessions by the login form, of one user after the other; the `Cookie` field of the one in the middle, with the
    cookies of those names."""
    head = "POST /.postern/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    forms = [urllib.parse.urlencode({"user": name, "password": PASSWORD, "return": "/"}) for name in CALLER_USERS]
    requests = [f"{head}Content-Length: {len(form)}\r\n\r\n{form}".encode() for form in forms]
    middle = None
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client, client.makefile("rb") as replies:
        for number in range(count):
            client.sendall(requests[number % len(requests)])
            found, length, status = [], 0, replies.readline()
            while line := replies.readline().strip():
                cookie = line.partition(b" ")[2].partition(b";")[0]
                if line.lower().startswith(b"set-cookie: ") and cookie.lower().startswith(cookies):
                    found.append(cookie.decode())
                elif line.lower().startswith(b"content-length: "):
                    length = int(line.partition(b" ")[2])
            replies.read(length)
            if len(found) != len(cookies):
                raise SystemExit(f"postern began no session: {status.decode()}")
            if number == count // 2:
                middle = "; ".join(found)
    return f"Cookie: {middle}"


def wait_until_let_in(port, field, timeout=60):
    """Returns once the server has read what lets a request with that field in."""
    request = f"GET / HTTP/1.1\r\nHost: localhost\r\n{field}\r\nConnection: close\r\n\r\n".encode()
    deadline = time.monotonic() + timeout
    while True:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout) as client:
            client.sendall(request)
            status = client.makefile("rb").readline()
        if b" 200 " in status:
            time.sleep(1)  # What reading took is given back.
            return
        if time.monotonic() > deadline:
            raise SystemExit(f"postern lets {field.partition(':')[0]} in with: {status.decode()}")
        time.sleep(0.1)


class Keys:
    """A file of API keys, and the fields that carry the one in its middle."""

    def __init__(self, path, count):
        self.path = path
        keys = [secrets.token_bytes(32) for _ in range(count)]
        texts = [key_text(key) for key in keys]
        entries = [
            {
                "id": f"key-{number:05}",
                "name": f"key number {number}",
                "hash": "sha256:" + hashlib.sha256(text.encode()).hexdigest(),
                "permissions": ["read"],
            }
            for number, text in enumerate(texts)
        ]
        path.write_text(json.dumps({"keys": entries}))
        path.chmod(0o600)
        # A file that has just changed is read a second time, which isn't what a request costs.
        time.sleep(3)
        self.field = f"X-API-Key: {texts[count // 2]}"
        self.bearer = f"Authorization: Bearer {texts[count // 2]}"


def key_text(secret):
    """A key as `postern key add` makes them: base62 of 32 bytes, and of a CRC-32 over what is before."""
    text = "pk_" + base62(int.from_bytes(secret), 43)
    return text + base62(zlib.crc32(text.encode()), 6)


def base62(number, count):
    text = ""
    for _ in range(count):
        number, digit = divmod(number, 62)
        text = DIGITS[digit] + text
    return text
