"""A running `meridian witness` for tests."""
import json
import pathlib
import signal
import subprocess

from support.meridian import BINARY, PATIENCE, until


class Witness:
    def __init__(self, data, logs, name):
        self.data, self.logs, self.name = pathlib.Path(data), logs, name
        self.listen, self.process = "127.0.0.1:0", None

    def start(self):
        ready = self.data.parent / f"{self.data.name}.ready"
        ready.unlink(missing_ok=True)
        logs = [word for log in self.logs for word in ("--log", log)]
        self.process = subprocess.Popen([BINARY, "witness", "--data", str(self.data), "--listen", self.listen, "--name", self.name,
                                         "--ready-file", str(ready), *logs], stdout=subprocess.DEVNULL)

        def up():
            assert self.process.poll() is None, "meridian witness ended"
            return ready.exists()

        until(up, "meridian witness writes its ready file")
        facts = json.loads(ready.read_text())
        self.url, self.key = facts["url"], facts["verifier_key"]
        self.listen = self.url.split("://")[1]
        return self

    @property
    def place(self):
        return f"{self.key}@{self.url}"

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE)
        return self.process.returncode if self.process else None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
