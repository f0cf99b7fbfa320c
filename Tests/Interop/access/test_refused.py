"""Every refusal of the access phase, each from all sides: the client's, the operator's, the metrics' and the gateway's."""

import html
import json
import re

import pytest

from faults.log import Log
from harness.ports import wait_until

from .refusal import PROVED, Page, Text, Waiting
from .rows import SECTIONS
from .stage import VERSIONS, FullStage, Stage, cookies

REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
CASES = [
    pytest.param(row, version, id=f"{section.lower().split()[0]}-{row}-{version}")
    for version in VERSIONS
    for section, rows in SECTIONS.items()
    for row in rows
    if version in row.versions
]


@pytest.fixture(scope="module")
def stage(tmp_path_factory, certificate, context):
    made = Stage(tmp_path_factory.mktemp("access"), certificate, context)
    yield made
    made.close()


@pytest.fixture(scope="module")
def full_stage(tmp_path_factory, certificate, context):
    made = FullStage(tmp_path_factory.mktemp("full"), certificate, context)
    yield made
    made.close()


@pytest.mark.parametrize("row, version", CASES)
def test_a_row(request, row, version):
    stage = request.getfixturevalue(row.stage)
    finish = row.before(stage) if row.before else None
    seen = len(stage.recorder.requests)
    before = stage.metrics()
    target = f"{row.ask.target}?{row.slug}-{version[5]}"
    log = Log(stage.server.directory / "error.log")
    mark = log.mark()
    answer = stage.ask(row.ask, version, target)
    # What the client sees.
    assert answer.status == row.status, answer.text
    check_body(row, row.body, answer)
    challenges = [value.split(" ")[0] for value in answer.values("WWW-Authenticate")]
    assert tuple(challenges) == row.challenges
    assert all('realm="OpenClaw"' in value for value in answer.values("WWW-Authenticate"))
    check_retry_after(row, answer)
    assert answer.value("Cache-Control") == "no-store"
    assert tuple(cookies(answer)) == row.cookies
    # What the operator sees.
    moved = wait_until(lambda: refused(stage.metrics().moved(before), row), "the counter")
    assert moved == {row.cause: 1}
    check_log(stage, row, log.wait(mark, 1 if row.is_logged else 0), target, answer)
    wait_until(lambda: f'{target} HTTP/' in stage.server.access_log, "the access log")
    if callable(finish):
        finish()
    # What programs see that ask for JSON.
    asks_plainly = isinstance(row.body, Text) and not any(name == "Accept" for name, _ in row.ask.fields)
    if asks_plainly and not row.meanwhile and not row.is_slow:
        answer = stage.ask(row.ask, version, fields=(("Accept", "application/json"),))
        assert answer.status == row.status
        check_body(row, Text(row.body.detail, is_json=True), answer)
    assert len(stage.recorder.requests) == seen
    PROVED.add((row, version))


def check_body(row, body, answer):
    kind = answer.value("Content-Type")
    match body:
        case Page(heading, notice):
            assert kind == "text/html; charset=utf-8"
            assert re.search(rf"<h1>{re.escape(heading)}</h1>", answer.text)
            assert notice in html.unescape(answer.text)
            alert = 'role="alert"' in answer.text
            assert alert == (heading == "Log in" and bool(notice))
            policy = answer.value("Content-Security-Policy")
            assert policy.startswith("default-src 'none'; style-src 'sha256-")
            assert policy.endswith("; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
        case Waiting():
            assert kind == "application/json"
            said = json.loads(answer.text)
            assert said.pop("request_id") == answer.value("X-Request-ID")
            code = said.pop("code")
            assert re.fullmatch(r"[A-Z2-9]{4}-[A-Z2-9]{4}", code)
            approve = f"postern devices approve {code}"
            assert said == {"status": 403, "error": "device pairing required", "approve": approve}
        case Text(detail, True):
            assert kind == "application/json"
            said = json.loads(answer.text)
            said.pop("request_id")
            assert said == {"status": row.status, "error": REASONS[row.status]} | ({"detail": detail} if detail else {})
        case Text(detail):
            assert kind == "text/plain; charset=utf-8"
            first, second = answer.text.splitlines()
            assert first == f"{row.status} {REASONS[row.status]}" + (f": {detail}" if detail else "")
            assert second.startswith("request id: ")


def check_retry_after(row, answer):
    value = answer.value("Retry-After")
    if row.retry_after is None:
        assert value is None
    else:
        assert row.retry_after[0] <= int(value) <= row.retry_after[1]


def refused(moved, row):
    """The causes that have moved, once the row's has."""
    found = {}
    for series, count in moved.items():
        if match := re.fullmatch(r'postern_requests_refused_total\{cause="(.+)"\}', series):
            found[match[1]] = count
    found = {cause: count for cause, count in found.items() if cause not in row.meanwhile}
    return found if row.cause in found else None


def check_log(stage, row, lines, target, answer):
    ours = [line for line in lines if f"{row.ask.method} {target} " in line[1]]
    assert len(ours) == row.is_logged, ours
    if ours:
        level, text = ours[0]
        assert level == "warn"
        assert text.endswith(f"from {row.ask.source} was refused with {row.status}: {row.cause}")
        if row.status != 404:
            assert f"request {answer.value('X-Request-ID')} " in text
    if row.also:
        level, words = row.also
        words = words.format(directory=stage.server.directory)
        said = [line for line in stage.server.error_log.splitlines() if words in line]
        assert len(said) == 1 and f"[{level}]" in said[0], said
