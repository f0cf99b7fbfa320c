"""Every fault of an upstream or a client: bounded, answered, said once, felt by nobody else, and forgotten."""

import pytest

from faults import shared
from faults.peer import Peer
from faults.runner import prove
from faults.stage import Stage
from harness.process import Server


@pytest.fixture(scope="module")
def stage(tmp_path_factory, authority, certificate, context):
    peer = Peer(*certificate)
    directory = tmp_path_factory.mktemp("faults")
    server = Server("postern-native", directory, shared.site(peer.ports, authority.certificate), *certificate, context)
    stage = Stage(server)
    yield stage
    stage.close()
    server.stop()
    peer.close()


@pytest.mark.parametrize("fault", shared.FAULTS, ids=str)
def test_fault(fault, stage):
    stage.bystander.forgive()
    prove(fault, stage)
