"""What every benchmark here needs of its host: CPU time and memory of processes, a description of the machine, a Meridian of one's own."""
import contextlib
import datetime
import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "bench"
MERIDIAN = pathlib.Path(os.environ.get("MERIDIAN_BIN", ROOT / "build" / "release" / "bin" / "meridian"))
XDG_CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
CACHE = pathlib.Path(os.environ.get("MERIDIAN_CACHE") or XDG_CACHE / "meridian")
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
QUIET_CORES = 0.3  # kept busy by others; above it rates and latencies say little


def say(text):
    print(text, file=sys.stderr, flush=True)


def raise_descriptor_limit():
    """For what is started from here: thousands of connections need more than a login shell gives. Returns the limit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def stat_of(pid):
    """The fields of /proc/PID/stat after the name: [1] parent, [11] user and [12] system ticks."""
    text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return text[text.rindex(")") + 2:].split()


def family(pids):
    """The processes and everything that they started and that still runs."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                children.setdefault(int(stat_of(entry)[1]), []).append(int(entry))
    found, todo = set(), list(pids)
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.add(pid)
            todo += children.get(pid, [])
    return found


def cpu_us(pids):
    total = 0
    for pid in family(pids):
        with contextlib.suppress(OSError):
            fields = stat_of(pid)
            total += int(fields[11]) + int(fields[12])
    return total * 1_000_000 / TICKS


def rss_mb(pids):
    total = 0
    for pid in family(pids):
        with contextlib.suppress(OSError):
            total += int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    return total / 1e6


def output_of(*command):
    with contextlib.suppress(OSError):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        return done.stdout.strip()
    return ""


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return os.uname().machine


def memory_gib():
    return round(os.sysconf("SC_PHYS_PAGES") * PAGE / 2**30)


def busy_cores(seconds=3):
    """Cores in use now, when nothing of ours runs. The load average would still remember the build that came before."""
    def used():
        fields = [int(f) for f in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
        return sum(fields) - fields[3] - fields[4]

    before, began = used(), time.monotonic()
    time.sleep(seconds)
    return (used() - before) / TICKS / (time.monotonic() - began)


class Circumstances:
    """What a reader must know to believe a table or to repeat it. Made before the first measurement; `facts()` is called after the last."""

    def __init__(self, command):
        self.command, self.before, self.load_before = command, busy_cores(), os.getloadavg()[0]

    def facts(self):
        revision = output_of("git", "-C", str(ROOT), "describe", "--always", "--dirty")
        return {"machine": f"{cpu_name()}, {os.cpu_count()} cores, {memory_gib()} GiB, Linux {os.uname().release.split('-')[0]}",
                "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"), "command": self.command,
                "revision": revision, "meridian": output_of(str(MERIDIAN), "--version").removeprefix("meridian "),
                "load_before": round(self.load_before, 1), "load_after": round(os.getloadavg()[0], 1),
                "busy_before": round(self.before, 2), "busy_after": round(busy_cores(), 2)}


def was_quiet(about):
    return max(about["busy_before"], about["busy_after"]) < QUIET_CORES


def wait_until(true, seconds, what, step=0.002):
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(step)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def stop(process, how=signal.SIGTERM, seconds=30):
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Meridian:
    """`meridian up` with a data directory of its own. Starting it again in the same directory keeps the key of the first start."""

    def __init__(self, data, *options):
        self.data, self.options, self.process = pathlib.Path(data), options, None
        self.secret, self.facts = None, None

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.stop()

    def start(self, seconds=30):
        """Starts it and gives the seconds until the ready file was there."""
        ready = self.data.parent / (self.data.name + ".ready.json")
        ready.unlink(missing_ok=True)
        command = [str(MERIDIAN), "up", "--data", str(self.data), "--listen", "127.0.0.1:0", "--ready-file", str(ready), "--quiet", *self.options]
        began = time.monotonic()
        with open(self.data.parent / (self.data.name + ".log"), "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(lambda: ready.exists() or self.process.poll() is not None, seconds, "meridian up", step=0.001)
        took = time.monotonic() - began
        if not ready.exists():
            raise RuntimeError(f"meridian up ended with {self.process.returncode}; see {log.name}:\n" + pathlib.Path(log.name).read_text()[-2000:])
        self.facts = json.loads(ready.read_text())
        self.secret = self.facts.get("secret_key") or self.secret
        return took

    @property
    def port(self):
        return int(self.facts["url"].rsplit(":", 1)[1].rstrip("/"))

    def cli(self, *words):
        command = [str(MERIDIAN), *words, "--data", str(self.data)]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"meridian {' '.join(words)}: {done.stdout.strip()}")
        return done.stdout

    def stop(self):
        if self.process:
            stop(self.process)


@contextlib.contextmanager
def scratch():
    with tempfile.TemporaryDirectory(prefix="meridian-bench-") as folder:
        yield pathlib.Path(folder)


def write_result(name, result):
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
