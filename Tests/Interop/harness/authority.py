"""A throw-away certificate authority, made with the openssl command."""

import ssl
import subprocess


def _openssl(*arguments, **options):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60, **options)


class Authority:
    """Signs server certificates below one directory."""

    def __init__(self, directory):
        self.directory = directory
        self.certificate = directory / "ca.pem"
        self.key = directory / "ca-key.pem"
        _openssl(
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=interop test authority",
            "-keyout",
            str(self.key),
            "-out",
            str(self.certificate),
        )

    def issue(self, label, *names):
        """Makes LABEL.pem and LABEL-key.pem for these DNS names and 127.0.0.1; returns both paths."""
        certificate, key = self.directory / f"{label}.pem", self.directory / f"{label}-key.pem"
        request, extensions = self.directory / f"{label}.csr", self.directory / f"{label}.ext"
        alternatives = ",".join([*(f"DNS:{name}" for name in names), "IP:127.0.0.1"])
        extensions.write_text(f"subjectAltName={alternatives}\n")
        _openssl(
            "req",
            "-new",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            f"/CN={names[0]}",
            "-keyout",
            str(key),
            "-out",
            str(request),
        )
        _openssl(
            "x509",
            "-req",
            "-days",
            "2",
            "-in",
            str(request),
            "-CA",
            str(self.certificate),
            "-CAkey",
            str(self.key),
            "-CAcreateserial",
            "-extfile",
            str(extensions),
            "-out",
            str(certificate),
        )
        return certificate, key

    def context(self):
        """A client context that trusts this authority alone."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        return context
