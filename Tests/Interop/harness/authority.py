"""A throw-away certificate authority, made with the openssl command."""

import ssl
import subprocess


def _openssl(*arguments, **options):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60, **options)


_NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


class Authority:
    """Signs certificates below one directory."""

    def __init__(self, directory, subject="/CN=interop test authority"):
        self.directory = directory
        self.certificate = directory / "ca.pem"
        self.key = directory / "ca-key.pem"
        _openssl(
            "req",
            "-x509",
            *_NEW_KEY,
            "-days",
            "2",
            "-subj",
            subject,
            "-keyout",
            str(self.key),
            "-out",
            str(self.certificate),
        )

    def issue(self, label, *names, subject=None, days=2, extensions=()):
        """Makes LABEL.pem and LABEL-key.pem for these DNS names and 127.0.0.1; returns both paths.

        With negative `days` it has ended so many days ago. `extensions` are lines as x509v3_config(5) has them.
        """
        alternatives = ",".join([*(f"DNS:{name}" for name in names), "IP:127.0.0.1"])
        return self._sign(
            label, subject or f"/CN={names[0]}", [f"subjectAltName={alternatives}", *extensions], days
        )

    def subordinate(self, directory, subject):
        """An authority that this one vouches for."""
        made = Authority(directory, subject)
        made.certificate, made.key = self._sign("subordinate", subject, ["basicConstraints=critical,CA:TRUE"], 2)
        return made

    def revoke(self, directory, *certificates):
        """A list that revokes these certificates; its file is in `directory`."""
        database, list_ = directory / "revoked.txt", directory / "revoked.crl"
        config = directory / "revoked.cnf"
        database.touch()
        config.write_text(
            f"[ca]\ndefault_ca=c\n[c]\ndatabase={database}\ndefault_md=sha256\ndefault_crl_days=2\n"
            "unique_subject=no\npolicy=p\n[p]\n"
        )
        common = ["ca", "-config", str(config), "-keyfile", str(self.key), "-cert", str(self.certificate)]
        for certificate in certificates:
            _openssl(*common, "-revoke", str(certificate))
        _openssl(*common, "-gencrl", "-out", str(list_))
        return list_

    def _sign(self, label, subject, extensions, days):
        certificate, key = self.directory / f"{label}.pem", self.directory / f"{label}-key.pem"
        request, extra = self.directory / f"{label}.csr", self.directory / f"{label}.ext"
        extra.write_text("\n".join(extensions) + "\n")
        _openssl("req", "-new", *_NEW_KEY, "-utf8", "-subj", subject, "-keyout", str(key), "-out", str(request))
        _openssl(
            "x509",
            "-req",
            "-days",
            str(days),
            "-in",
            str(request),
            "-CA",
            str(self.certificate),
            "-CAkey",
            str(self.key),
            "-CAcreateserial",
            "-extfile",
            str(extra),
            "-out",
            str(certificate),
        )
        return certificate, key

    def context(self):
        """A client context that trusts this authority alone."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        return context
