"""A connection that met what a server demanded of handshakes before a reload doesn't go on where it demands something else."""

import dataclasses

import pytest

from harness.site import Site

pytestmark = pytest.mark.peers("postern-native")


def test_a_reload_that_changes_what_handshakes_must_meet_ends_older_connections(peer, start, recorder):
    site = Site(upstream=recorder.address)
    server = start(peer, site)
    with server.connect() as kept, server.connect("plain") as plain:
        assert kept.request().status == plain.request().status == 200
        server.reload()
        assert kept.request().status == plain.request().status == 200, "nothing has changed"
        server.rewrite(dataclasses.replace(site, server="ssl_protocols TLSv1.3;"))
        server.reload()
        seen = len(recorder.requests)
        assert kept.request().status == 421
        assert kept.is_closed()
        assert len(recorder.requests) == seen
        assert plain.request().status == 200, "there was no handshake"
    assert server.get().status == 200
    server.wait_logged("was refused with 421: misdirected")
