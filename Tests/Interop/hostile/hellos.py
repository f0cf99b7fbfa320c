"""Clients' hellos and records, made byte by byte (RFC 8446, sections 4.1.2 and 5.1; RFC 5246)."""

import os
import struct

HANDSHAKE, ALERT, DATA, CIPHER_CHANGE = 22, 21, 23, 20
SUITES = bytes.fromhex("1301130213 03c02bc02fc02cc030cca9cca8".replace(" ", ""))


def record(kind, body, version=0x0301, length=None):
    return struct.pack("!BHH", kind, version, len(body) if length is None else length) + body


def message(kind, body, length=None):
    return struct.pack("!B", kind) + (len(body) if length is None else length).to_bytes(3, "big") + body


def extension(number, body):
    return struct.pack("!HH", number, len(body)) + body


def listed(body, size=2):
    return len(body).to_bytes(size, "big") + body


def name(host, kind=0):
    return extension(0, listed(bytes([kind]) + listed(host)))


def protocols(*names):
    return extension(16, listed(b"".join(listed(each, 1) for each in names)))


#: An X25519 share of a point that is one.
SHARE = extension(51, listed(struct.pack("!HH", 0x001D, 32) + b"\x09" + bytes(31)))
GROUPS = extension(10, listed(bytes.fromhex("001d00170018")))
SIGNATURES = extension(13, listed(bytes.fromhex("04030804040105030805050108060601")))
VERSION_13 = extension(43, listed(bytes.fromhex("0304"), 1))
POINTS = extension(11, b"\x01\x00")
EARLY_DATA = extension(42, b"")


def hello(extensions=(), version=0x0303, suites=SUITES, common=True):
    """A ClientHello message of TLS 1.3, or of 1.2 without VERSION_13 and SHARE among its extensions."""
    parts = [GROUPS, SIGNATURES, POINTS, *extensions] if common else list(extensions)
    body = struct.pack("!H", version) + os.urandom(32) + listed(os.urandom(32), 1)
    return message(1, body + listed(suites) + b"\x01\x00" + listed(b"".join(parts)))


def hello_13(*extensions, sni=b"localhost"):
    return hello([*([name(sni)] if sni else []), VERSION_13, SHARE, *extensions])


def hello_12(*extensions, sni=b"localhost"):
    return hello([*([name(sni)] if sni else []), *extensions])


def pieces(body, size):
    """The message in records of `size` bytes."""
    return b"".join(record(HANDSHAKE, body[start : start + size]) for start in range(0, len(body), size))


#: An SSLv2 hello (RFC 5246, appendix E.2): three suites, a challenge of 16 bytes.
SSL2 = bytes.fromhex("802e010002001500000010") + bytes.fromhex("0700c0030080010080060040040080020080000a") + bytes(17)
