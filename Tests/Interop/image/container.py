"""A process in the root as a container would have it: unprivileged, a root that can't be written, tmpfs, namespaces."""

import os
import random
import signal
import socket
import subprocess
from pathlib import Path

from harness.ports import accepts, wait_until

#: Mounts as compose.yaml has them, makes the root read-only, waits for its network, and lets all privileges go.
ENTER = """
set -eu
root=$1 etc=$2 state=$3 user=$4 group=$5
shift 5
mount --bind "$root" "$root"
mount --bind "$etc" "$root/etc/postern"
mount -o remount,bind,ro "$root/etc/postern"
mount -t tmpfs -o mode=1777,size=16m,noexec,nosuid,nodev tmpfs "$root/tmp"
mount -t tmpfs -o mode=755,size=1m,noexec,nosuid,nodev tmpfs "$root/run"
install -d -m 700 -o "$user" -g "$group" "$root/run/postern"
mount --bind "$state" "$root/var/lib/postern"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -o remount,bind,ro "$root"
exec chroot "$root" "$@"
"""

#: Where namespaces are forbidden: the root as it is, which the user can't write for want of permission alone.
ENTER_UNMOUNTED = """
set -eu
root=$1 etc=$2 state=$3 user=$4 group=$5
shift 5
cp -a "$etc/." "$root/etc/postern"
exec chroot "$root" "$@"
"""


def has_namespaces():
    """Whether this process may make mount and network namespaces, and mount in them."""
    script = "mount -t tmpfs tmpfs /mnt"
    command = ["unshare", "--mount", "--pid", "--net", "--fork", "--propagation", "private", "/bin/sh", "-c", script]
    return subprocess.run(command, capture_output=True, timeout=20).returncode == 0


class Pod:
    """A network of its own, reached from outside by one address; the container's processes share it.

    Without namespaces it is the machine's own loopback.
    """

    def __init__(self, root):
        self._holder = None
        self._mounted = None
        self.address = "127.0.0.1"
        #: Why nothing can be tried here, if so.
        self.obstacle = None
        self.is_isolated = has_namespaces()
        if self.is_isolated:
            self._isolate()
            return
        # Without it a Swift program does not even learn its arguments.
        proc = root / "proc"
        if subprocess.run(["mount", "-t", "proc", "proc", proc], capture_output=True).returncode == 0:
            self._mounted = proc
        else:
            self.obstacle = "neither namespaces nor mounts are allowed here, and without /proc nothing runs in the root"
        taken = [port for port in (8080, 8443, 19443, 18789) if accepts(port)]
        if taken:
            self.obstacle = f"without namespaces the ports are the machine's own, and something listens on {taken}"

    @property
    def kind(self):
        """How the root is entered, for people."""
        if self.is_isolated:
            return "mount, process and network namespaces, chroot, setpriv"
        return "chroot and setpriv (this environment forbids namespaces)"

    def _isolate(self):
        # Of the block for benchmarks (RFC 2544), which nothing real uses.
        block = (198 << 24) + (18 << 16) + random.randrange(1 << 15) * 4
        self.outside, self.address = (socket.inet_ntoa((block + host).to_bytes(4, "big")) for host in (1, 2))
        self._holder = subprocess.Popen(["unshare", "--net", "sleep", "3600"], stdin=subprocess.DEVNULL)
        try:
            own = os.readlink("/proc/self/ns/net")
            wait_until(lambda: os.readlink(f"/proc/{self.pid}/ns/net") != own, "a network namespace")
            name = f"pst{self.pid}"
            self._ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(self.pid))
            self._ip("addr", "add", f"{self.outside}/30", "dev", name)
            self._ip("link", "set", name, "up")
            for words in (f"addr add {self.address}/30 dev eth0", "link set eth0 up", "link set lo up"):
                self._ip(*words.split(), inside=True)
        except BaseException:
            self.close()
            raise

    @property
    def pid(self):
        return self._holder.pid

    def _ip(self, *words, inside=False):
        enter = ["nsenter", "--target", str(self.pid), "--net"] if inside else []
        subprocess.run([*enter, "ip", *words], check=True, capture_output=True, timeout=20)

    def close(self):
        """The network ends with its last process."""
        if self._mounted:
            subprocess.run(["umount", "--lazy", self._mounted], check=True, capture_output=True)
        if self._holder:
            self._holder.kill()
            self._holder.wait(10)


class Container:
    """One process in the root, number 1 of its own process namespace."""

    def __init__(self, root, pod, etc, directory, command, capability=None):
        user, group = root.dockerfile.user
        state = directory / "state"
        state.mkdir(mode=0o700)
        os.chown(state, user, group)
        kept = f"+{capability}" if capability else ""
        privileges = [
            "setpriv",
            "--no-new-privs",
            f"--reuid={user}",
            f"--regid={group}",
            "--clear-groups",
            f"--bounding-set=-all{',' + kept if kept else ''}",
            f"--inh-caps=-all{',' + kept if kept else ''}",
            f"--ambient-caps=-all{',' + kept if kept else ''}",
        ]
        self._log = directory / "output.log"
        self._is_isolated = pod.is_isolated
        enter = ["/bin/sh", "-c", ENTER_UNMOUNTED, "enter"]
        if pod.is_isolated:
            enter = ["nsenter", "--target", str(pod.pid), "--net"]
            enter += ["unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child"]
            enter += ["--propagation", "private", "/bin/sh", "-c", ENTER, "enter"]
        with open(self._log, "wb") as output:
            self.process = subprocess.Popen(
                [*enter, str(root.path), str(etc), str(state), str(user), str(group), *privileges, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
                start_new_session=True,
            )

    @property
    def output(self):
        return self._log.read_text(errors="replace")

    @property
    def pid(self):
        """The process as it is seen from outside."""
        if not self._is_isolated:
            return self.process.pid
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(wait_until(lambda: path.read_text().split(), "the process in the container")[0])

    def status(self):
        """/proc/PID/status"""
        text = Path(f"/proc/{self.pid}/status").read_text()
        return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)

    def mounts(self):
        """Mount point → options, as the process sees them."""
        rows = [line.split() for line in Path(f"/proc/{self.pid}/mountinfo").read_text().splitlines()]
        return {row[4]: set(row[5].split(",")) for row in rows}

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self, timeout=20.0):
        """The exit status."""
        return self.process.wait(timeout)

    def stop(self):
        if self.process.poll() is None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait(10)
