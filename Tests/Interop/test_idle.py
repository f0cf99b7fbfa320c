"""With nothing to do, it does nothing: no loop turns while connections wait, nor once they are gone."""

import os
import time

import pytest

from harness.site import Site
from harness.websocket import WebSocket
from http2.session import session


def processor_time(server):
    """Seconds of the server's process so far."""
    with open(f"/proc/{server.pid}/stat") as file:
        fields = file.read().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_quiet(server, seconds=2.0):
    """What it spent in that time; its own threads look at files and such now and then."""
    before = processor_time(server)
    time.sleep(seconds)
    spent = processor_time(server) - before
    assert spent < 0.05 * seconds, f"{spent:.2f} s of {seconds:.0f} s"


#: Short, so that what is pushed out behind them is soon all that is left; what has no end isn't timed by them.
SHORT = """
client_header_timeout 1s; client_body_timeout 1s; keepalive_timeout 1s; send_timeout 1s;
proxy_connect_timeout 1s; proxy_send_timeout 1s; proxy_read_timeout 1s;
"""


@pytest.mark.peers("postern-nginx", "postern-native")
@pytest.mark.measures("processor time")
def test_nothing_turns_once_streams_are_gone(peer, start, recorder):
    recorder.on("/x", lambda exchange: exchange.reply(fields=[("Connection", "close")]))
    server = start(peer, Site(upstream=recorder.address, http2=True, server=SHORT))
    with session(server) as client:
        for _ in range(3):
            client.finish(*[client.start("GET", "/x") for _ in range(20)])
    assert server.get("/x").status == 200
    time.sleep(3)
    is_quiet(server)


@pytest.mark.peers("postern-native")
@pytest.mark.measures("processor time")
def test_nothing_turns_for_a_silent_websocket(peer, start, recorder):
    recorder.on("/echo", lambda exchange: exchange.echo_websocket())
    server = start(peer, Site(upstream=recorder.address, server=SHORT))
    with WebSocket(f"wss://localhost:{server.ports['tls']}/echo", server.context) as socket:
        assert socket.echo("hello") == "hello"
        time.sleep(3)
        is_quiet(server)
        assert socket.echo("still there") == "still there"
