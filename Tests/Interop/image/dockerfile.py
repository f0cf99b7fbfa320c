"""Reads the second stage of deploy/Dockerfile, so that what is tried can't differ from what is written."""

import json
import re
import shlex

from harness.process import REPOSITORY


class Dockerfile:
    """The last stage: its packages by Debian release, its commands, and what it starts."""

    def __init__(self, path=REPOSITORY / "deploy/Dockerfile"):
        lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
        instructions = [line.strip() for line in "\n".join(lines).replace("\\\n", " ").splitlines() if line.strip()]
        last = max(index for index, line in enumerate(instructions) if line.startswith("FROM "))
        self.base = instructions[last].split()[1]
        self.instructions = [line.split(None, 1) for line in instructions[last + 1 :]]
        self.build = instructions[:last]

    def values(self, name):
        """The arguments of every instruction with this name."""
        return [rest for word, rest in self.instructions if word == name]

    def value(self, name):
        found = self.values(name)
        assert len(found) == 1, f"{name} is there {len(found)} times"
        return found[0]

    def packages(self, release):
        """What the stage installs on this release, or None where it knows no names for it."""
        for argument in self.values("ARG"):
            name, _, value = argument.partition("=")
            if name == f"PACKAGES_{release}":
                return shlex.split(value)[0].split()
        return None

    @property
    def set_up(self):
        """The shell commands that make the account and its folders: what follows apt-get's."""
        commands = [re.sub(r"\s+", " ", part).strip() for part in self.value("RUN").split("&&")]
        return [command for command in commands if command.split()[0] in ("groupadd", "useradd", "install")]

    @property
    def user(self):
        """User and group, by number."""
        return tuple(map(int, self.value("USER").split(":")))

    @property
    def command(self):
        return json.loads(self.value("ENTRYPOINT")) + json.loads(self.value("CMD"))

    @property
    def health_check(self):
        return json.loads(self.value("HEALTHCHECK").split("CMD", 1)[1])

    @property
    def binary(self):
        """Where the binary goes."""
        return self.value("COPY").split()[-1]
