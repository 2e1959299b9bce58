"""A PostgreSQL of the tests' own: made once, on a free port of loopback, stopped at the end."""
import atexit
import functools
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

BINARIES = pathlib.Path("/usr/lib/postgresql/15/bin")
PASSWORD = "pa55-never-shown"
PATIENCE = 60


def as_postgres():
    """The server refuses root."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Postgres:
    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="meridian-postgres-", dir="/tmp"))
        if os.geteuid() == 0:
            shutil.chown(self.directory, "postgres", "postgres")
        self.port = free_port()
        self.databases = 0
        secret = self.directory / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        subprocess.run([*as_postgres(), BINARIES / "initdb", "-D", self.directory / "data", "-A", "scram-sha-256", "-U", "meridian", "--pwfile", secret,
                        "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"], check=True, capture_output=True)
        self.start()

    def start(self):
        log = open(self.directory / "log", "ab")
        self.process = subprocess.Popen([*as_postgres(), BINARIES / "postgres", "-D", self.directory / "data", "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
                                         "-c", f"unix_socket_directories={self.directory}", "-c", "fsync=off"], stdout=log, stderr=log)
        end = time.monotonic() + PATIENCE
        while subprocess.run([BINARIES / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode != 0:
            assert time.monotonic() < end and self.process.poll() is None, (self.directory / "log").read_text()
            time.sleep(0.05)

    def end(self, how=signal.SIGQUIT):
        """SIGQUIT: as after a power cut. SIGINT: in order."""
        self.process.send_signal(how)
        self.process.wait(PATIENCE)

    def url(self, name="postgres"):
        return f"postgres://meridian:{PASSWORD}@127.0.0.1:{self.port}/{name}"

    def sql(self, text, name="postgres"):
        done = subprocess.run([BINARIES / "psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-c", text, self.url(name)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def new_database(self):
        self.databases += 1
        self.sql(f"create database t{self.databases}")
        return f"t{self.databases}"

    def close(self):
        if self.process.poll() is None:
            self.end()
        shutil.rmtree(self.directory)


@functools.cache
def shared():
    """That of a whole run: with MERIDIAN_ON_POSTGRES each Meridian of the journeys has a database of its own in it."""
    made = Postgres()
    atexit.register(made.close)
    return made
