"""Every limit of the table: within it all is well, beyond it there is the table's answer; by default, and as a line sets it."""

import pytest

from harness.site import Site

from .limits import BALANCED, GUARDED, LIMITS, STRICT
from .row import PROVED

pytestmark = pytest.mark.peers("postern-nginx", "postern-native")

ZONES = """
limit_conn_zone $binary_remote_addr zone=addresses:1m;
limit_conn_zone $server_name zone=servers:1m;
limit_req_zone $binary_remote_addr zone=pace:1m rate=1r/m;
"""


#: What every site says of these; a limit of the table says it instead.
ROOM, BODIES = "worker_connections 1024;", "client_max_body_size 0;"


class Limited(Site):
    """A site with a limit of the table."""

    def __init__(self, recorder, limit=None):
        recorder.on("/wait", lambda exchange: exchange.wait_peer_gone(20))
        recorder.on("/big", big)
        lines = limit.lines if limit else ""
        self._lines = lines if isinstance(lines, tuple) else (lines, lines)
        super().__init__(
            upstream=recorder.address,
            http2=True,
            listeners=["h2c", "proxied"],
            server="listen {h2c} http2; location = /none { return 204; } location = /who { return 200 $remote_addr; }" + BALANCED,
            top=STRICT + GUARDED,
            nginx_top=ZONES,
            native_top="events { worker_connections 1024; }",
        )

    def render(self, dialect, *arguments):
        text, line = super().render(dialect, *arguments), self._lines[dialect == "native"]
        if line.startswith("worker_connections"):
            return text.replace(ROOM, line)
        if line.startswith("client_max_body_size"):
            return text.replace(BODIES, line)
        return text.replace("server_name localhost;", f"server_name localhost; {line}")


def big(exchange):
    """Much, for as long as somebody takes it."""
    try:
        exchange.start_chunked("application/octet-stream")
        for _ in range(4096):
            exchange.chunk(bytes(65536))
    except OSError:
        pass


def answer(expected, peer):
    if isinstance(expected, tuple):
        return expected[peer == "postern-native"]
    return expected


def check(limit, server, peer, amounts):
    for way, good, beyond in zip((limit.one, limit.two), limit.good, limit.answers):
        if way is None:
            continue
        if amounts:
            assert way(server, amounts[0]) == good, f"{limit}: within, by {way}"
        assert way(server, amounts[-1] if amounts else None) == answer(beyond, peer), f"{limit}: beyond, by {way}"


@pytest.mark.parametrize("limit", LIMITS, ids=str)
def test_limit(peer, start, recorder, limit):
    check(limit, start(peer, Limited(recorder, limit)), peer, limit.amounts)
    PROVED.setdefault(f"limit: {limit.name}", set()).add(peer)


@pytest.mark.parametrize("limit", [limit for limit in LIMITS if limit.default_amounts], ids=str)
def test_default(peer, start, recorder, limit):
    check(limit, start(peer, Limited(recorder)), peer, limit.default_amounts)
