import pytest

from .stage import Command, site


@pytest.fixture
def serve(start, recorder, postern):
    """serve(session="timeout=2s", …) → the server and its command line."""

    def begin(*arguments, **options):
        server = start("postern-native", site(recorder, *arguments, **options))
        return server, Command(postern, server)

    return begin
