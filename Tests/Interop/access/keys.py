"""Files of API keys for tests: entries, and the keys that go with them."""

import hashlib
import json
import os
import secrets
import zlib

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _base62(number, width):
    text = ""
    for _ in range(width):
        number, digit = divmod(number, 62)
        text = _DIGITS[digit] + text
    return text


def make_key():
    """A key as `postern key add` makes them: 32 random bytes and a checksum."""
    text = "pk_" + _base62(int.from_bytes(secrets.token_bytes(32), "big"), 43)
    return text + _base62(zlib.crc32(text.encode()), 6)


def mistyped(key):
    """The same with one letter changed."""
    return key[:10] + ("A" if key[10] != "A" else "B") + key[11:]


class KeyFile:
    """A file of keys. `add` makes one and answers its secret; every change is on the disk when a method returns."""

    def __init__(self, path):
        self.path = path
        self.entries = []
        self._write()

    def add(self, name, *permissions, expires=None, rate=None, key=None):
        key = key or make_key()
        entry = {
            "id": name,
            "hash": "sha256:" + hashlib.sha256(key.encode()).hexdigest(),
            "name": f"the key {name}",
            "permissions": list(permissions),
        }
        if expires:
            entry["expires_at"] = expires
        if rate:
            entry["rate_limit"] = rate
        self.entries.append(entry)
        self._write()
        return key

    def remove(self, name):
        self.entries = [entry for entry in self.entries if entry["id"] != name]
        self._write()

    def _write(self):
        beside = self.path.with_suffix(".new")
        beside.write_text(json.dumps({"keys": self.entries}, indent=2) + "\n")
        os.replace(beside, self.path)
