"""More processes of the control plane beside a running Meridian on PostgreSQL."""
import json
import os
import pathlib
import shutil
import subprocess

from support.meridian import BINARY, Meridian, until


class Control(Meridian):
    """`meridian control` with a copy of the installation's keys; asked like any Meridian."""

    def __init__(self, of, data, database=None, arguments=()):
        super().__init__(data, arguments=arguments)
        self.environment["MERIDIAN_DATABASE"] = database or of.environment["MERIDIAN_DATABASE"]
        self.secret = of.secret
        shutil.copytree(of.data / "control" / "keys", self.data / "control" / "keys")

    def start(self):
        ready = self.data.parent / f"{self.data.name}.ready"
        self.log = open(self.data.parent / f"{self.data.name}.log", "ab")
        self.process = subprocess.Popen([BINARY, "control", "--data", str(self.data), "--listen", self.listen, "--ready-file", str(ready), *self.arguments],
                                        stdout=self.log, stderr=self.log, env=os.environ | self.environment)

        def up():
            assert self.process.poll() is None, f"meridian control ended with {self.process.returncode}:\n{self.log_text()}"
            return ready.exists()

        until(up, "meridian control writes its ready file")
        self.facts = json.loads(pathlib.Path(ready).read_text())
        self.url = self.facts["url"]
        self.listen = self.url.split("://")[1]
        return self
