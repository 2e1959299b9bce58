"""A running Meridian for tests: started on a port of its own and a temporary data directory, and stopped for sure."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from support import postgres, tiny_gguf

BINARY = os.environ["MERIDIAN_BIN"]
PATIENCE = 60  # seconds that a state may take on a crowded machine; never a time that a test waits for


def until(claim, what, patience=PATIENCE):
    """Waits for a state, with a bound."""
    end = time.monotonic() + patience
    while True:
        value = claim()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"did not happen within {patience} s: {what}")
        time.sleep(0.01)


def models_directory():
    """The tiny models, written once a machine."""
    directory = pathlib.Path(tempfile.gettempdir()) / f"meridian-tiny-{os.getuid()}"
    directory.mkdir(exist_ok=True)
    source = pathlib.Path(tiny_gguf.__file__).stat().st_mtime
    for kind in "answer", "loop", "embedding":
        path = directory / f"{kind}.gguf"
        if not path.exists() or path.stat().st_mtime < source:
            part = directory / f"{kind}.{os.getpid()}"
            tiny_gguf.make(part, kind)
            part.replace(path)
    return directory


class Meridian:
    def __init__(self, data, listen="127.0.0.1:0", arguments=()):
        self.data = pathlib.Path(data)
        self.data.mkdir(parents=True, exist_ok=True)
        self.arguments = list(arguments)
        self.listen = listen
        self.process = None
        self.facts = {}
        self.secret = None
        self.environment = {}
        if os.environ.get("MERIDIAN_ON_POSTGRES"):
            server = postgres.shared()
            self.environment["MERIDIAN_DATABASE"] = server.url(server.new_database())

    def start(self):
        ready = self.data.parent / f"{self.data.name}.ready"
        ready.unlink(missing_ok=True)
        self.log = open(self.data.parent / f"{self.data.name}.log", "ab")
        self.process = subprocess.Popen(
            [BINARY, "up", "--data", str(self.data), "--listen", self.listen, "--ready-file", str(ready), "--quiet", "--runtime-threads", "1", *self.arguments],
            stdout=self.log, stderr=self.log, env=os.environ | self.environment)

        def up():
            if self.process.poll() is not None:
                raise AssertionError(f"meridian up ended with {self.process.returncode}:\n{self.log_text()}")
            return ready.exists()

        until(up, "meridian up writes its ready file")
        self.facts = json.loads(ready.read_text())
        self.url = self.facts["url"]
        self.listen = self.url.split("://")[1]
        self.secret = self.facts["secret_key"] or self.secret
        return self

    def log_text(self):
        return (self.data.parent / f"{self.data.name}.log").read_text(errors="replace")[-4000:]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("meridian did not stop on SIGTERM")
        return self.process.returncode if self.process else None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def cli(self, *arguments, check=True, **kwargs):
        kwargs.setdefault("env", os.environ | self.environment)
        done = subprocess.run([BINARY, *arguments, "--data", str(self.data)], capture_output=True, text=True, timeout=PATIENCE * 2, **kwargs)
        if check and done.returncode != 0:
            raise AssertionError(f"meridian {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    def json(self, *arguments):
        return json.loads(self.cli(*arguments, "--json").stdout)

    def add_tiny(self, kind, name, *arguments):
        more = ["--embedding"] if kind == "embedding" else []
        self.cli("models", "add", str(models_directory() / f"{kind}.gguf"), "--name", name, *more, *arguments)
        return self.json("deploy", name, "--wait")

    def call(self, method, path, body=None, headers=None, raw=None, timeout=PATIENCE):
        """Status, headers and bytes of one request."""
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        request.add_header("Authorization", f"Bearer {self.secret}")
        if data is not None:
            request.add_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def get(self, path):
        status, _, body = self.call("GET", path)
        assert status == 200, (status, body)
        return json.loads(body)

    def chat(self, model="tiny", content="hello", **more):
        return self.call("POST", "/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": content}], **more})
