"""A minimal Debian root made by debootstrap, with the packages of deploy/Dockerfile's second stage."""

import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from .dockerfile import Dockerfile

#: What packages named in the Dockerfile bring along, beyond what any Debian root has.
DEPENDENCIES = {"openssl": "ca-certificates"}


def release():
    """The machine's own Debian release, such as "bookworm"; None on another system."""
    fields = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    return fields.get("VERSION_CODENAME") if fields.get("ID") == "debian" else None


def mirror(codename):
    """The first mirror that the machine's apt takes this release from."""
    for path in [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]:
        if not path.is_file():
            continue
        for paragraph in re.split(r"\n\s*\n", path.read_text()):
            fields = dict(re.findall(r"^(\S+):\s*(.*)$", paragraph, re.M))
            if codename in fields.get("Suites", "").split():
                return fields["URIs"].split()[0]
            found = re.search(rf"^deb\s+(?:\[.*?\]\s+)?(\S+)\s+{codename}\s", paragraph, re.M)
            if found:
                return found[1]
    return "http://deb.debian.org/debian"


class Root:
    """The root's folder, and what is in it."""

    def __init__(self, path, dockerfile, codename):
        self.path = path
        self.dockerfile = dockerfile
        self.codename = codename
        self.named = dockerfile.packages(codename)

    def run(self, *command):
        """Output of a command within, as root: for making it and looking at it only."""
        answer = subprocess.run(["chroot", self.path, *command], capture_output=True, text=True, timeout=60)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout

    def packages(self):
        """Every installed package: name → (priority, whether it is essential, what it depends on)."""
        form = "${Package}\t${Priority}\t${Essential}\t${Pre-Depends}, ${Depends}\n"
        rows = [line.split("\t") for line in self.run("dpkg-query", "-W", "-f", form).splitlines()]
        return {
            name: (priority, essential == "yes", re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9.+-]*)", words))
            for name, priority, essential, words in rows
        }

    def added(self):
        """Packages beyond what every root made with minbase has: the required ones and apt, with what they depend on."""
        packages = self.packages()
        base = {"apt"}
        base |= {name for name, (priority, essential, _) in packages.items() if priority == "required" or essential}
        left = list(base)
        while left:
            new = {name for name in packages[left.pop()][2] if name in packages} - base
            base |= new
            left += new
        return set(packages) - base

    def size(self):
        """Bytes that the files take, each once."""
        found = {}
        for folder, _, names in os.walk(self.path):
            for name in names:
                status = os.lstat(os.path.join(folder, name))
                found[status.st_ino] = status.st_blocks * 512
        return sum(found.values())

    def state(self):
        """How everything within looks: any writing, even of the same bytes, shows."""
        found = {}
        for folder, folders, names in os.walk(self.path):
            if folder == str(self.path):
                folders.remove("proc")
            for name in [*folders, *names]:
                path = os.path.join(folder, name)
                status = os.lstat(path)
                # The change of anything else changes the last.
                found[path] = (status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return found


def make(path, binary):
    """Makes the root and puts the binary in as the Dockerfile does. Skips where that can't be done."""
    codename, dockerfile = release(), Dockerfile()
    if os.geteuid() != 0:
        pytest.skip("debootstrap and chroot need root")
    debootstrap = shutil.which("debootstrap", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if debootstrap is None:
        pytest.skip("debootstrap is not installed (apt-get install debootstrap)")
    if dockerfile.packages(codename) is None:
        pytest.skip(f"deploy/Dockerfile names no packages for this system ({codename or 'no Debian'})")
    source = mirror(codename)
    try:
        urllib.request.urlopen(f"{source}/dists/{codename}/InRelease", timeout=15).close()
    except (urllib.error.URLError, OSError) as error:
        pytest.skip(f"the mirror {source} can't be reached: {error}")
    root = Root(path, dockerfile, codename)
    # A copy of what is installed anyway would need no mirror, but would prove nothing about what apt-get installs.
    answer = subprocess.run(
        [debootstrap, "--variant=minbase", "--include=" + ",".join(root.named), codename, path, source],
        capture_output=True,
        text=True,
        timeout=300,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"},
    )
    output = answer.stdout + answer.stderr
    if answer.returncode != 0 and re.search(r"Couldn't download|Failed getting release", output):
        pytest.skip(f"the mirror {source} broke off: {output.splitlines()[-1]}")
    assert answer.returncode == 0, output[-3000:]
    # Debian's slim image has no package files either, nor lists.
    shutil.rmtree(path / "var/cache/apt/archives")
    shutil.rmtree(path / "var/lib/apt/lists")
    for command in dockerfile.set_up:
        root.run("/bin/sh", "-ec", command)
    strip = next(line for line in dockerfile.build if "install -s" in line)
    assert "install -s -m 755" in strip
    target = path / dockerfile.binary.lstrip("/")
    subprocess.run(["install", "-s", "-m", "755", binary, target], check=True, capture_output=True, timeout=60)
    return root
