#!/usr/bin/env python3
"""How long `meridian up` takes to be ready without a model, and from a start to the first token with one. Standard library only.

    bench/startup.py [--starts 20] [--model-starts 5] [--make-run]

Ready is the ready file; the clock runs from the start of the process. With --make-run the whole of `make run` on a built tree is timed too, from the
start of make to the first token.
"""
import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import time

import host
from runtime import MODEL, ask


def summary(seconds):
    ordered = sorted(seconds)
    return {"median_ms": 1000 * statistics.median(ordered), "least_ms": 1000 * ordered[0], "most_ms": 1000 * ordered[-1], "starts": len(ordered)}


def without_model(folder, starts):
    """First starts, each in a new directory, and later starts, each in a directory that has been used."""
    first, later = [], []
    for number in range(starts):
        with host.Meridian(folder / f"bare{number}") as meridian:
            for times in (first, later):
                times.append(meridian.start())
                meridian.stop()
    return summary(first), summary(later)


def first_token(port, key):
    """Asks for one token, again while the gateway or the model is not there yet."""
    end = time.monotonic() + 60
    while True:
        try:
            ask(port, key, 1)
            return
        except (OSError, RuntimeError) as failed:
            not_yet = isinstance(failed, OSError) or any(f"answered {status}" in str(failed) for status in (404, 503))
            if not not_yet or time.monotonic() > end:
                raise
            time.sleep(0.01)


def with_model(meridian, starts):
    host.say(f"the first start with {MODEL}, which may have to be fetched; then {starts} more")
    meridian.start(seconds=600)
    first_token(meridian.port, meridian.secret)
    meridian.stop()
    ready, token = [], []
    for _ in range(starts):
        began = time.monotonic()
        ready.append(meridian.start(seconds=120))
        first_token(meridian.port, meridian.secret)
        token.append(time.monotonic() - began)
        meridian.stop()
    return summary(ready), summary(token)


def make_run(meridian):
    """`make run` as a person types it, over the data directory that the model is deployed in."""
    port = host.free_port()
    began = time.monotonic()
    make = subprocess.Popen(["make", "run", f"DATA={meridian.data}", f"LISTEN=127.0.0.1:{port}"], cwd=host.ROOT, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        host.wait_until(lambda: accepts(port) or make.poll() is not None, 120, "make run", step=0.01)
        if make.poll() is not None:
            raise RuntimeError(f"make run ended with {make.returncode}")
        first_token(port, meridian.secret)
        return time.monotonic() - began
    finally:
        if make.poll() is None:
            os.killpg(make.pid, signal.SIGTERM)
        make.wait(60)


def accepts(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--starts", type=int, default=20)
    words.add_argument("--model-starts", type=int, default=5, help="0 leaves the model out")
    words.add_argument("--make-run", action="store_true")
    asked = words.parse_args()
    make = " --make-run" if asked.make_run else ""
    about, rows = host.Circumstances(f"bench/startup.py --starts {asked.starts} --model-starts {asked.model_starts}{make}"), {}
    with host.scratch() as folder:
        host.say(f"{asked.starts} starts without a model")
        rows["new_directory"], rows["used_directory"] = without_model(folder, asked.starts)
        if asked.model_starts:
            with host.Meridian(folder / "model", "--with", MODEL) as meridian:
                rows["model_ready"], rows["model_first_token"] = with_model(meridian, asked.model_starts)
                if asked.make_run:
                    host.say("make run")
                    rows["make_run_first_token"] = summary([make_run(meridian)])
    host.write_result("startup", {"about": about.facts(), "rows": rows})
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
