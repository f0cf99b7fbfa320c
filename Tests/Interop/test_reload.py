"""Reloads: a good one drops nothing, a bad one changes nothing."""

import signal
import threading

import pytest

from harness.client import basic
from harness.ports import accepts, wait_until
from harness.site import Site
from harness.websocket import WebSocket


def generation(recorder, word, **options):
    return Site(
        upstream=recorder.address,
        nginx_server=f"add_header X-Generation {word} always;",
        native_server=f"add_header X-Generation {word};",
        **options,
    )


class Load:
    """Requests without pause from several threads: half on kept connections, half on fresh ones."""

    def __init__(self, server, threads=4):
        self.server = server
        self.failures = []
        self.passed = 0
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(index % 2 == 0,), daemon=True) for index in range(threads)
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        wait_until(lambda: self.passed > 20, "some load")
        return self

    def __exit__(self, *_):
        self._end.set()
        for thread in self._threads:
            thread.join(20)

    def _run(self, keep):
        connection = None
        while not self._end.is_set():
            try:
                connection = connection or self.server.connect("tls" if keep else "plain")
                answer = connection.request()
                if answer.status != 200:
                    self.failures.append(answer.status)
                with self._lock:
                    self.passed += 1
                if not keep or (answer.value("Connection") or "").lower() == "close":
                    connection.close()
                    connection = None
            except (OSError, ValueError) as error:
                # Nginx closes idle connections when it reloads; for Postern that would be a failure.
                if not (keep and self.server.program == "nginx"):
                    self.failures.append(repr(error))
                connection = None
        if connection:
            connection.close()


def test_reloads_under_load_drop_nothing(peer, start, recorder):
    recorder.on("/echo", lambda exchange: exchange.echo_websocket())
    server = start(peer, generation(recorder, "g0", workers=2))
    with WebSocket(f"wss://localhost:{server.ports['tls']}/echo", server.context) as socket, Load(server) as load:
        for number in range(1, 6):
            server.rewrite(generation(recorder, f"g{number}", workers=2))
            server.reload()
            assert server.get().value("X-Generation") == f"g{number}"
            assert socket.echo(f"message {number}") == f"message {number}"
        before = load.passed
        wait_until(lambda: load.passed > before + 20, "load after the reloads")
    assert load.failures == []


def test_a_running_request_survives_a_reload(peer, start, recorder):
    go, started = threading.Event(), threading.Event()
    recorder.on("/hold", lambda exchange: (started.set(), go.wait(20), exchange.reply(body=b"done")))
    server = start(peer, generation(recorder, "old"))
    with server.connect() as connection:
        connection.send(b"GET /hold HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert started.wait(5)
        server.rewrite(generation(recorder, "new"))
        server.reload()
        assert server.get().value("X-Generation") == "new"
        go.set()
        assert connection.response().body == b"done"


def test_a_bad_reload_changes_nothing_and_is_reported(peer, start, recorder):
    server = start(peer, generation(recorder, "good"))
    good = server.config.read_text()
    server.config.write_text(good.replace("server_name localhost;", "server_naem localhost;"))
    server.signal(signal.SIGHUP)
    server.wait_logged('unknown directive "server_naem"')
    assert server.get().value("X-Generation") == "good"
    server.config.write_text(good.replace("X-Generation good", "X-Generation repaired"))
    server.reload()
    assert server.get().value("X-Generation") == "repaired"


@pytest.mark.parametrize("text", ["", "# all has gone\n"], ids=["empty", "comment"])
def test_a_reload_of_a_file_without_a_server_changes_nothing(peer, start, recorder, text):
    """What a reload finds when it comes while the file is being written."""
    server = start(peer, generation(recorder, "good"))
    good = server.config.read_text()
    server.config.write_text(text)
    server.signal(signal.SIGHUP)
    server.wait_logged("no \"events\" section" if peer == "nginx" else "it has no server")
    assert server.get().value("X-Generation") == "good"
    server.config.write_text(good.replace("X-Generation good", "X-Generation repaired"))
    server.reload()
    assert server.get().value("X-Generation") == "repaired"


def test_a_reload_can_add_and_remove_a_login(peer, start, recorder, users):
    server = start(peer, generation(recorder, "open"))
    with server.connect() as connection:
        assert connection.request().status == 200
        server.htpasswd.write_text(users)
        server.rewrite(generation(recorder, "shut", auth=True))
        server.reload()
        assert server.get().status == 401
        assert server.get(fields=[basic("alice", "password")]).status == 200


@pytest.mark.peers("postern-native", "postern-nginx")
def test_a_reload_can_move_the_error_log(peer, start, recorder):
    server = start(peer, generation(recorder, "old"))
    moved, told = server.directory / "moved.log", "the configuration was reloaded"
    before = server.config.read_text()
    server.config.write_text(before.replace("/error.log info", "/moved.log notice"))
    server.signal(signal.SIGHUP)
    wait_until(lambda: moved.exists() and told in moved.read_text(), "the reload in the new log")
    assert told not in server.error_log
    # What can't be opened changes nothing, and is said in the log that stays.
    changed = before.replace("X-Generation old", "X-Generation new")
    server.config.write_text(changed.replace("/error.log info", "/none/moved.log"))
    server.signal(signal.SIGHUP)
    wait_until(lambda: "error_log can't be opened" in moved.read_text(), "the refusal in the log")
    assert server.get().value("X-Generation") == "old"


@pytest.mark.peers("postern-native", "postern-nginx")
def test_a_reload_says_what_only_a_restart_changes(peer, start, recorder):
    server = start(peer, generation(recorder, "old"))
    said = "worker_processes changes at a restart only: 1 event loops go on"
    server.rewrite(generation(recorder, "new", workers=2))
    server.reload()
    assert server.error_log.count(said) == 1
    server.rewrite(generation(recorder, "new"))
    server.reload()
    assert server.error_log.count(said) == 1


def test_a_reload_can_change_the_ports(peer, start, recorder):
    server = start(peer, Site(upstream=recorder.address, listeners=["second"]))
    server.rewrite(Site(upstream=recorder.address, listeners=["second"], server="listen {second} ssl;"))
    server.reload()
    assert server.get(port="second").status == 200
    server.rewrite(Site(upstream=recorder.address, listeners=["second"]))
    server.reload()
    # Loops and workers close a socket that is no longer theirs each in its own time.
    wait_until(lambda: not accepts(server.ports["second"]), "the port to close")


def test_files_stay_in_bounds_over_reloads(peer, start, recorder):
    """Twenty reloads leak no descriptors."""
    server = start(peer, generation(recorder, "g"))
    counts = []
    for number in range(20):
        server.rewrite(generation(recorder, f"g{number}"))
        server.reload()
        assert server.get().value("X-Generation") == f"g{number}"
        counts.append(server.open_files())
    assert max(counts[-5:]) <= max(counts[:5]) + 4


@pytest.mark.peers("postern-nginx", "postern-native")
def test_memory_stays_in_bounds_over_reloads(start, recorder, peer):
    """Two hundred reloads that change the upstream keep nothing of those before."""
    sites = [Site(upstream=recorder.address, workers=2, upstream_lines=f"keepalive {count};") for count in (8, 16)]
    server = start(peer, sites[0])
    sizes = []
    with server.connect() as kept:
        for number in range(200):
            server.rewrite(sites[number % 2])
            server.reload()
            assert (server.get() if number % 5 else kept.request()).status == 200
            sizes.append(server.resident())
    assert sizes[-1] - sizes[40] < 8 << 20, [size >> 10 for size in sizes[::20]]
