"""testssl.sh against the default configuration: nothing above LOW."""

import json
import os
import shutil
import signal
import subprocess

import pytest

from harness.site import Site

pytestmark = [pytest.mark.slow, pytest.mark.peers("postern-native")]

TIME_LIMIT = 120

#: What is looked for, and a finding of each that must be there: none, and a check has silently not run. Left out are the
#: lists of every cipher and of clients, which say the same at length.
CHECKS = {
    "--protocols": ["SSLv2", "SSLv3", "TLS1", "TLS1_1", "TLS1_2", "TLS1_3"],
    "--std": ["cipherlist_NULL", "cipherlist_aNULL", "cipherlist_EXPORT", "cipherlist_LOW", "cipherlist_3DES_IDEA"],
    "--pfs": ["PFS"],
    "--server-preference": ["cipher_order"],
    "--server-defaults": ["cert_chain_of_trust", "TLS_session_ticket"],
    "--headers": ["HTTP_status_code", "HSTS_time"],
    "--vulnerable": [
        "heartbleed",
        "CCS",
        "ticketbleed",
        "ROBOT",
        "secure_renego",
        "secure_client_renego",
        "CRIME_TLS",
        "BREACH",
        "fallback_SCSV",
        "SWEET32",
        "FREAK",
        "DROWN",
        "LOGJAM",
        "LUCKY13",
        "RC4",
    ],
}


#: How often it is asked at the most, and what it says when it couldn't tell.
TRIES, UNSURE = 5, "check failed because of connect problem"


def program():
    """The script; Debian's package calls it testssl, its authors testssl.sh."""
    return shutil.which("testssl") or shutil.which("testssl.sh")


def findings_of(server, authority, directory):
    directory.mkdir()
    report, log = directory / "findings.json", directory / "testssl.log"
    command = [program(), "--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "--ip", "127.0.0.1"]
    command += ["--openssl", shutil.which("openssl"), "--add-ca", str(authority.certificate)]
    command += ["--jsonfile", str(report), *CHECKS, f"localhost:{server.ports['tls']}"]
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=directory, start_new_session=True
        )
        try:
            process.wait(TIME_LIMIT)
        except subprocess.TimeoutExpired:
            pytest.fail(f"testssl took longer than {TIME_LIMIT} s\n{log.read_text(errors='replace')}")
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
    return json.loads(report.read_text())


@pytest.mark.skipif(program() is None, reason="testssl is not installed (apt-get install testssl.sh)")
@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_nothing_above_low(peer, start, recorder, authority, tmp_path, http2):
    # What it says of a certificate is the issuer's affair: one that lasts, and can be revoked.
    files = authority.issue(
        "checked", "localhost", days=90, extensions=["crlDistributionPoints=URI:http://127.0.0.1:9/authority.crl"]
    )
    server = start(peer, Site(upstream=recorder.address, http2=http2), files=files)
    for number in range(TRIES):
        findings = findings_of(server, authority, tmp_path / str(number))
        # It hangs up behind its handshake, and on a busy machine at times before the ticket it wanted to show next.
        if not any(UNSURE in finding["finding"] for finding in findings):
            break
    ids = {finding["id"] for finding in findings}
    missing = [name for names in CHECKS.values() for name in names if name not in ids]
    assert not missing, f"not looked for: {missing}\n{sorted(ids)}"
    above = [
        f"{finding['severity']} {finding['id']}: {finding['finding']}"
        for finding in findings
        if finding["severity"] not in ("OK", "INFO", "LOW")
    ]
    assert not above, "\n".join(above)
    offered = [finding["finding"] for finding in findings if finding["id"] == "ALPN_HTTP2"]
    assert offered == (["h2"] if http2 else []), offered
    assert server.get().status == 200
