"""Fixtures of the interop tests. See README.md."""

import os
import subprocess

import pytest

from harness.authority import Authority
from harness.pauses import Pauses
from harness.process import PEERS, Server, postern_binary
from harness.recorder import Recorder
from harness.sanitizer import Reports

#: Cheap to verify, so that only tests about hashing pay for it.
ALICE = "alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n"  # "password"
BOB = "bob:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n"


def pytest_generate_tests(metafunc):
    """A test that takes `peer` runs against each of them, or those its module or mark names in `peers`."""
    if "peer" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("peers")
        metafunc.parametrize("peer", marker.args if marker else list(PEERS))


def pytest_collection_modifyitems(config, items):
    """Nginx is the reference, not the product: an item of its that fails gets up to two more tries, in fresh conditions.
    So does any item during which the whole machine stood still, and no other.

    Under a sanitizer what measures is skipped, and so is what runs Nginx alone.
    """
    sanitizer = config.reports.kind
    for item in items:
        measured = item.get_closest_marker("measures")
        if sanitizer and measured:
            what = measured.args[0]
            item.add_marker(pytest.mark.skip(reason=f"measures {what}, which the {sanitizer} sanitizer changes"))
        callspec = getattr(item, "callspec", None)
        if callspec and callspec.params.get("peer") == "nginx":
            item.add_marker(pytest.mark.flaky(reruns=2))
            if sanitizer:
                item.add_marker(pytest.mark.skip(reason="runs Nginx, which has no sanitizer in it"))
        else:
            item.add_marker(pytest.mark.flaky(reruns=2, condition="config.pauses.seen"))


def pytest_configure(config):
    config.addinivalue_line("markers", "peers(*names): the peers this test applies to")
    config.addinivalue_line("markers", "measures(what): measures time or memory, which sanitizers change")
    # Before any process starts: they inherit where to write.
    config.reports = Reports(postern_binary())
    config.pauses = Pauses()


def pytest_runtest_setup(item):
    item.config.pauses.begin()


def pytest_sessionfinish(session):
    """What a server of the whole session found at its end, if there was one, fails the session."""
    session.config.reports.check()


@pytest.fixture(autouse=True, scope="module")
def _module_is_sanitary(request):
    """After the module's own servers have ended."""
    yield
    request.config.reports.check()


@pytest.fixture(autouse=True)
def _is_sanitary(request, _module_is_sanitary):
    """Set up before a test's other fixtures and so ended after them, when its servers have ended."""
    yield
    request.config.reports.check()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def certificate(authority):
    return authority.issue("localhost", "localhost")


@pytest.fixture(scope="session")
def context(authority):
    return authority.context()


@pytest.fixture
def start(tmp_path, certificate, context):
    """Starts servers: start(peer, site). They are ended after the test."""
    servers = []

    def start_one(peer, site, **options):
        directory = tmp_path / f"server-{len(servers)}"
        directory.mkdir()
        server = Server(peer, directory, site, *options.pop("files", certificate), context, **options)
        servers.append(server)
        return server

    yield start_one
    for server in servers:
        server.stop()


@pytest.fixture(scope="module", params=["native", "nginx"])
def hostile_stage(request, tmp_path_factory, certificate, context):
    """A server of each dialect for a whole table of hostile cases."""
    from hostile.stage import Stage

    stage = Stage(request.param, tmp_path_factory.mktemp("hostile"), ALICE + BOB, certificate, context)
    yield stage
    stage.close()


@pytest.fixture
def recorder():
    upstream = Recorder()
    yield upstream
    upstream.close()


@pytest.fixture
def users():
    """htpasswd lines for alice and bob, whose password is "password"."""
    return ALICE + BOB


@pytest.fixture(scope="session")
def postern():
    """Runs the binary: postern("check", "-c", file) → CompletedProcess with text output."""

    def run(*arguments, stdin="", timeout=60, **options):
        return subprocess.run(
            [str(postern_binary()), *map(str, arguments)],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            **options,
        )

    return run


@pytest.fixture(scope="session")
def big_body():
    """The size of a large body in bytes."""
    return int(os.environ.get("POSTERN_BIG_BODY", 1 << 30))
