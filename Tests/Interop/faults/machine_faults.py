"""What can go wrong on the machine: disks, files, descriptors, signals, the clock."""

import os
import resource
import shutil
import signal
import socket
import subprocess
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from harness.client import basic, head
from harness.ports import free_ports, wait_until
from harness.recorder import Recorder
from harness.site import Site

from .fault import Fault, Setting
from .stage import outcome

ALICE = "alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n"  # "password"
#: Permissions are to count even for root.
AS_OTHERS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


def setting(lines="", location="", wrap=(), **options):
    """Surroundings with one sound upstream for everybody else; `/` is the fault's."""

    def make(directory):
        gateway = Recorder()
        extra = lines(gateway) if callable(lines) else lines
        site = Site(
            upstream=gateway.address,
            main=options.get("main", ""),
            native_server=f"location /bystander {{ auth_basic off; proxy_pass http://gateway; }} {extra}",
            location=location,
            auth=options.get("auth", False),
            users=ALICE if options.get("auth") else None,
        )
        command = wrap(directory) if callable(wrap) else list(wrap)
        if command[:1] == ["setpriv"]:
            command = command if os.geteuid() == 0 else []
        return Setting(
            site,
            command,
            props={"gateway": gateway},
            log=options.get("log", "error.log"),
            has_bystander=options.get("has_bystander", True),
        )

    return make


def ask(stage, target="/", fields=(), port="plain"):
    with stage.connect(port) as connection:
        connection.send(head("GET", target, fields))
        return outcome(connection)[0]


# Logs.


def logs_nowhere(stage, _):
    """The error log's name leads to a disk that is always full, and there is something to log."""
    file = stage.server.directory / "error.log"
    if not file.is_symlink():
        file.rename(file.with_name("error.log.1"))
        file.symlink_to("/dev/full")
        stage.server.signal(signal.SIGUSR1)
        wait_until(lambda: leads_to(stage.server.pid, "/dev/full"), "the log to be opened anew")
    return ask(stage, "/dead")


def leads_to(process, path):
    links = Path(f"/proc/{process}/fd")
    for link in links.iterdir():
        try:
            if os.readlink(link) == path:
                return True
        except FileNotFoundError:
            # Closed meanwhile.
            continue
    return False


# Users.


def user(stage):
    return ask(stage, fields=[basic("alice", "password")])


def with_htpasswd(spoil):
    """Spoils the file, asks, puts it right, and asks again."""

    def act(stage, _):
        file = stage.server.htpasswd
        spoil(file)
        first = user(stage)
        restore(file)
        return f"{first}, then {user(stage)}"

    return act


def restore(file):
    replacement = file.with_name("htpasswd.new")
    replacement.write_text(ALICE)
    os.replace(replacement, file)


def unreadable(file):
    file.chmod(0)


UNAVAILABLE = ("warn", "password-file-unavailable")


# Certificates.


def with_certificate(spoil):
    """Spoils the file, waits for it to be noticed, asks over a new connection, and puts it right."""

    def act(stage, _):
        file = stage.certificate
        text = file.read_text()
        mark = stage.log.mark()
        spoil(file, text)
        stage.log.wait(mark, 1)
        seen = ask(stage, port="tls")
        replacement = file.with_name("certificate.new")
        replacement.write_text(text)
        os.replace(replacement, file)
        wait_until(lambda: len(stage.log.since(mark)) > 1, "the certificate to be taken")
        return seen

    return act


def half(file, text):
    file.write_text(text[: len(text) // 2])


# The configuration.


def with_configuration(spoil):
    """Spoils the file, has it reloaded, and asks."""

    def act(stage, _):
        file = stage.server.config
        text = file.read_text()
        mark = stage.log.mark()
        spoil(file, text)
        stage.server.signal(signal.SIGHUP)
        stage.log.wait(mark, 1)
        seen = ask(stage)
        file.unlink(missing_ok=True)
        file.write_text(text)
        return seen

    return act


NOT_RELOADED = ("error", "the configuration was not reloaded; the one in use stays")
#: The place, and the line itself with a mark under it.
REASONS = (("error", "server.conf"), ("error", " | "))


# Descriptors.


def run_out(stage, _):
    """Leaves the server room for ten more, and comes with thirty."""
    process = stage.server.pid
    before = resource.prlimit(process, resource.RLIMIT_NOFILE)
    resource.prlimit(process, resource.RLIMIT_NOFILE, (stage.descriptors() + 10, before[1]))
    crowd = []
    try:
        for _ in range(30):
            crowd.append(stage.connect())  # The kernel takes those that aren't accepted.
        crowd[-1].send(head("GET", "/"))
        crowd[-1].socket.settimeout(1)
        first = outcome(crowd[-1])[0]
        resource.prlimit(process, resource.RLIMIT_NOFILE, before)
        crowd[-1].socket.settimeout(5)
        return f"{first}, then {outcome(crowd[-1])[0]}"
    finally:
        resource.prlimit(process, resource.RLIMIT_NOFILE, before)
        for each in crowd:
            each.close()


def no_socket_upstream(stage, _):
    """Every descriptor is taken when a connection upstream is wanted."""
    process = stage.server.pid
    before = resource.prlimit(process, resource.RLIMIT_NOFILE)
    try:
        with stage.connect() as connection:
            connection.send(head("GET", "/bystander"))
            outcome(connection)
            resource.prlimit(process, resource.RLIMIT_NOFILE, (first_free(process), before[1]))
            connection.send(head("GET", "/other"))
            return outcome(connection)[0]
    finally:
        resource.prlimit(process, resource.RLIMIT_NOFILE, before)


def first_free(process):
    """The number that its next descriptor would have."""
    taken = set(map(int, os.listdir(f"/proc/{process}/fd")))
    return next(number for number in range(len(taken) + 1) if number not in taken)


def too_many(stage, _):
    """More clients than worker_connections."""
    crowd = []
    try:
        for _ in range(40):
            crowd.append(stage.connect())
        crowd[-1].send(head("GET", "/"))
        crowd[-1].socket.settimeout(1)
        first = outcome(crowd[-1])[0]
        for each in crowd[:-1]:
            each.close()
        crowd[-1].socket.settimeout(5)
        return f"{first}, then {outcome(crowd[-1])[0]}"
    finally:
        for each in crowd:
            each.close()


# The end.


def terminated(stage, _):
    """SIGTERM while a reply is under way."""
    stage.props["gateway"].on("/endless", endless)
    with stage.connect() as connection:
        connection.send(head("GET", "/endless"))
        status = connection.response_head().status
        connection.chunk()
        stage.server.signal(signal.SIGTERM)
        try:
            while connection.chunk():
                pass
        except (OSError, ValueError):
            pass
    return f"{status}, cut short, exit {stage.server.wait_exit()}"


def endless(exchange):
    exchange.start_chunked()
    while True:
        exchange.chunk(bytes(1000))
        time.sleep(0.01)


# The clock.

SHIFTED_CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

/* The wall clock, less as many seconds as the file CLOCK_SHIFT says. The monotonic one is what it is. */
static long shift(void) {
    FILE *file = fopen(getenv("CLOCK_SHIFT"), "r");
    long seconds = 0;
    if (file) {
        if (fscanf(file, "%ld", &seconds) != 1) seconds = 0;
        fclose(file);
    }
    return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, time);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) time->tv_sec -= shift();
    return result;
}

time_t time(time_t *into) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (into) *into = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict into, void *restrict zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    into->tv_sec = now.tv_sec;
    into->tv_usec = now.tv_nsec / 1000;
    return 0;
}
"""


def shifted_clock(directory):
    """A command prefix that puts a library before the C library, in which the wall clock can be set."""
    compiler = shutil.which("cc") or shutil.which("clang")
    if not compiler:
        pytest.skip("no C compiler")
    source, library = directory / "clock.c", directory / "clock.so"
    source.write_text(SHIFTED_CLOCK)
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True, timeout=60)
    (directory / "shift").write_text("0")
    return ["env", f"LD_PRELOAD={library}", f"CLOCK_SHIFT={directory / 'shift'}"]


HOUR = 3600


def steps_back(stage, _):
    """The Date field follows, a session is resumed, a time-out takes what it takes."""
    file = stage.server.directory.parent / "shift"
    stage.props["gateway"].on("/silent", lambda exchange: (exchange.wait_peer_gone(10), exchange.close()))
    before = date(stage)
    with stage.connect("tls") as connection:
        connection.request("GET", "/")
        session = connection.socket.session
    file.write_text(str(HOUR))
    try:
        wait_until(lambda: before - date(stage) > HOUR - 60, "the Date field to follow the clock", timeout=5)
        began = time.monotonic()
        seen = ask(stage, "/silent")
        took = time.monotonic() - began
        assert 0.3 < took < 3, f"a time-out of 0.4 s took {took:.1f} s"
        resumed = resumes(stage, session)
        assert {ask(stage) for _ in range(20)} == {"200"}
    finally:
        file.write_text("0")
    wait_until(lambda: abs(before - date(stage)) < 60, "the Date field to come back", timeout=5)
    return f"200, Date follows; {seen} in time; {'resumed' if resumed else 'a full handshake'}"


def date(stage):
    return parsedate_to_datetime(stage.server.get("/", port="plain").value("Date")).timestamp()


def resumes(stage, session):
    raw = socket.create_connection(("127.0.0.1", stage.server.ports["tls"]), timeout=5)
    with stage.server.context.wrap_socket(raw, server_hostname="localhost", session=session) as secure:
        return secure.session_reused


FAULTS = [
    Fault(
        "the access log's disk is full",
        "200",
        2.0,
        ("crit", "access log lines are lost: write: No space left on device"),
        lambda stage, _: ask(stage, "/full"),
        setting=setting("location /full { access_log /dev/full combined; proxy_pass http://gateway; }"),
        said="once in 10 s",
        most=1,
    ),
    Fault(
        "the error log's disk is full",
        "502",
        2.0,
        ("crit", "can't be written, its lines go to standard error: write: No space left on device"),
        logs_nowhere,
        setting=setting(
            lambda _: f"location /dead {{ proxy_pass http://127.0.0.1:{free_ports(1)[0]}; }}",
            log="output.log",
        ),
        said="once in 10 s",
        most=1,
        also=(("error", "connection refused while connecting to upstream"),),
    ),
    Fault(
        "htpasswd is half-written",
        "401, then 200",
        2.0,
        ("error", "htpasswd:1"),
        with_htpasswd(lambda file: file.write_text(ALICE[:14])),
        setting=setting(auth=True),
        times=200,
        also=(("warn", "credentials-wrong"),),
    ),
    Fault(
        "htpasswd is gone",
        "403, then 200",
        2.0,
        ("error", "htpasswd: open: No such file or directory"),
        with_htpasswd(lambda file: file.unlink()),
        setting=setting(auth=True),
        times=200,
        also=(UNAVAILABLE,),
    ),
    Fault(
        "htpasswd can't be read",
        "500, then 200",
        2.0,
        ("error", "htpasswd: open: Permission denied"),
        with_htpasswd(unreadable),
        setting=setting(auth=True, wrap=AS_OTHERS),
        times=200,
        also=(UNAVAILABLE,),
    ),
    Fault(
        "a certificate is half-written",
        "200",
        8.0,
        ("error", "certificates have changed and can't be used; those in use stay"),
        with_certificate(half),
        setting=setting(),
        times=1,
        also=(("notice", "certificates were read anew"),),
    ),
    Fault(
        "a certificate is gone",
        "200",
        8.0,
        ("error", "certificates have changed and can't be used; those in use stay"),
        with_certificate(lambda file, _: file.unlink()),
        setting=setting(),
        times=1,
        also=(("notice", "certificates were read anew"),),
    ),
    Fault(
        "a certificate can't be read",
        "200",
        8.0,
        ("error", "certificates have changed and can't be used; those in use stay"),
        with_certificate(lambda file, _: file.chmod(0)),
        setting=setting(wrap=AS_OTHERS),
        times=1,
        also=(("notice", "certificates were read anew"),),
    ),
    Fault(
        "the configuration is half-written",
        "200",
        4.0,
        NOT_RELOADED,
        with_configuration(half),
        setting=setting(),
        times=50,
        also=REASONS,
    ),
    Fault(
        "the configuration is gone",
        "200",
        4.0,
        NOT_RELOADED,
        with_configuration(lambda file, _: file.unlink()),
        setting=setting(),
        times=50,
        also=REASONS,
    ),
    Fault(
        "the configuration can't be read",
        "200",
        4.0,
        NOT_RELOADED,
        with_configuration(lambda file, _: file.chmod(0)),
        setting=setting(wrap=AS_OTHERS),
        times=50,
        also=REASONS,
    ),
    Fault(
        "descriptors run out",
        "no answer, then 200",
        8.0,
        ("crit", "accepting is paused: accept4: Too many open files"),
        run_out,
        setting=setting(),
        times=1,
        said="once a minute",
        most=1,
    ),
    Fault(
        "descriptors run out for a connection upstream",
        "502",
        4.0,
        ("error", "socket: Too many open files while connecting to upstream"),
        no_socket_upstream,
        setting=setting(lambda gateway: f"location /other {{ proxy_pass http://{gateway.address}; }}"),
        times=20,
    ),
    Fault(
        "worker_connections are all taken",
        "no answer, then 200",
        8.0,
        ("crit", "accepting is paused: 32 connections are open, which is all that worker_connections allows"),
        too_many,
        setting=setting(main="events { worker_connections 32; }"),
        times=1,
        said="once a minute",
        most=1,
    ),
    Fault(
        "SIGTERM in the middle of a reply",
        "200, cut short, exit 0",
        6.0,
        ("notice", "stopped"),
        terminated,
        setting=setting(has_bystander=False),
        times=1,
    ),
    Fault(
        "the clock steps back an hour",
        "200, Date follows; 504 in time; resumed",
        15.0,
        ("error", "upstream timed out while waiting for upstream's reply"),
        steps_back,
        setting=setting(location="proxy_read_timeout 400ms;", wrap=shifted_clock),
        times=1,
        # A client that leaves without having read its tickets resets the connection.
        also=(("info", "broke between requests"),),
    ),
]
