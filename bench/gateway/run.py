#!/usr/bin/env python3
"""Gateways side by side: one fake upstream, one load generator, rounds interleaved over all of them. Standard library only.

    bench/gateway/run.py [--rounds 3] [--seconds 3] [--only NAME,...] [--json FILE]

bench/run compiles the two programs first. Every figure of a table comes from one run; the CPU time of a gateway's processes is the figure that
moves least on a busy machine. A ratio is the median of the ratios of the rounds.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import threading

import targets
from targets import host

SPARE_TOKENS = 1.5  # seconds of tokens past the end of a paced run, so that every stream lasts through what is measured
OPEN_STREAMS = 5000
CROWD = 2048  # connections of the overload run
EVENTS_A_STREAM = 64

# key, heading, digits
COLUMNS = [("added_p50", "added p50 us", 0), ("added_p99", "added p99 us", 0),
           ("rps_64", "req/s, 64 clients", 0), ("p99_64", "p99 us, 64 clients", 0), ("cpu_request", "CPU us/request", 1),
           ("events_1", "events/s, 1 stream", 0), ("events_64", "64", 0), ("events_512", "512", 0), ("cpu_event", "CPU us/event", 2),
           ("paced_events", "512 paced: events/s", 0), ("paced_gap_ms", "p99 gap ms", 1), ("paced_failed", "failed", 0)]
EXTREMES = [("open_peak", f"of {OPEN_STREAMS} streams open at once", 0), ("open_failed", "failed", 0),
            ("open_rss", "RSS MB meanwhile", 0), ("idle_rss", "RSS MB before", 0),
            ("offered", "offered req/s", 0), ("goodput", "answered req/s", 0), ("goodput_share", "of its own 64-client rate", 2),
            ("refused_share", "share 429/503", 3), ("refused_bare", "without Retry-After", 0), ("overload_failed", "failed", 0),
            ("overload_p99_ms", "p99 ms", 0)]
RATIOS = ["rps_64", "cpu_request", "events_64", "cpu_event"]


class Bench:
    def __init__(self, rounds, seconds):
        self.rounds, self.seconds = rounds, seconds
        self.figures = {}  # target -> figure -> values, one a round

    def put(self, target, **figures):
        for name, value in figures.items():
            self.figures.setdefault(target.name, {}).setdefault(name, []).append(value)

    def load(self, target, pace=0, **options):
        """One run of the generator; with `cpu` and `rss` (the largest seen meanwhile) of the gateway's processes."""
        command = [str(host.BUILD / "load"), "--port", str(target.port(pace)), "--key", target.key, "--model", target.model(pace)]
        if target.need_header:
            command += ["--need-header", target.need_header]
        for name, value in options.items():
            command += ["--" + name] if value is True else ["--" + name, str(value)]
        before, over, peak = host.cpu_us(target.pids), threading.Event(), [host.rss_mb(target.pids)]

        def watch():
            while not over.wait(0.3):
                peak.append(host.rss_mb(target.pids))

        watcher = threading.Thread(target=watch)
        if "once" in options:  # watching costs CPU: only where memory is what is measured
            watcher.start()
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, timeout=200, check=True)
        finally:
            over.set()
            if watcher.is_alive():
                watcher.join()
        result = json.loads(done.stdout)
        result["cpu"] = host.cpu_us(target.pids) - before
        result["rss_before"], result["rss"] = peak[0], max(peak + [host.rss_mb(target.pids)])
        result["lost"] = result["failed"] + result["unfinished"] + result["refused"]
        return result

    def round(self, target):
        one = self.load(target, clients=1, seconds=self.seconds / 2)
        many = self.load(target, clients=64, seconds=self.seconds)
        self.put(target, p50_1=one["latency_us"]["p50"], p99_1=one["latency_us"]["p99"], rps_64=many["ok_per_second"], p99_64=many["latency_us"]["p99"],
                 cpu_request=many["cpu"] / max(many["ok"], 1), lost=one["lost"] + many["lost"])
        for streams in (1, 64, 512):
            got = self.load(target, clients=streams, seconds=self.seconds, stream=True, tokens=EVENTS_A_STREAM)
            self.put(target, **{f"events_{streams}": got["events_per_second"]}, lost=got["lost"])
            if streams == 64:
                self.put(target, cpu_event=got["cpu"] / max(got["events"], 1))
        paced = self.load(target, pace=20_000, clients=512, seconds=self.seconds, stream=True, once=True, tokens=int((self.seconds + SPARE_TOKENS) * 50))
        self.put(target, paced_events=paced["events_per_second"], paced_gap_ms=paced["gap_us"]["p99"] / 1000, paced_failed=paced["lost"],
                 paced_rss=paced["rss"], paced_cpu=paced["cpu"] / max(paced["events"], 1))

    def extremes(self, target):
        """Once for each gateway: thousands of open streams, and requests that come twice as fast as it can answer."""
        seconds = 8
        held = self.load(target, pace=1_000_000, clients=OPEN_STREAMS, seconds=seconds, stream=True, once=True, tokens=seconds + 1)
        self.put(target, open_peak=held["open_peak"], open_failed=held["lost"], open_rss=held["rss"], idle_rss=held["rss_before"])
        rate = 2 * statistics.median(self.figures[target.name]["rps_64"])
        flood = self.load(target, clients=CROWD, seconds=max(self.seconds, 4), rate=round(rate))
        answered = flood["ok"] + flood["refused"] + flood["failed"]
        self.put(target, offered=rate, goodput=flood["ok_per_second"], goodput_share=2 * flood["ok_per_second"] / rate,
                 refused_share=flood["refused"] / max(answered, 1), refused_bare=flood["refused_without_retry_after"],
                 overload_failed=flood["failed"] + flood["unfinished"], overload_p99_ms=flood["latency_us"]["p99"] / 1000)

    def run(self, all_targets):
        for target in all_targets:
            self.load(target, clients=8, seconds=1)  # connections, caches, just-in-time compilers
        for number in range(self.rounds):
            shift = number % len(all_targets)  # nobody is always the one after the heaviest neighbour
            for target in all_targets[shift:] + all_targets[:shift]:
                host.say(f"round {number + 1} of {self.rounds}: {target.name} (load average {os.getloadavg()[0]:.1f})")
                self.round(target)
        for target in all_targets:
            if not target.slow and target.name != "direct":
                host.say(f"open streams and overload: {target.name}")
                self.extremes(target)

    def result(self):
        direct = self.figures["direct"]
        out = {}
        for name, figures in self.figures.items():
            for part in ("p50", "p99"):
                figures["added_" + part] = [mine - bare for mine, bare in zip(figures[part + "_1"], direct[part + "_1"])]
            middle = {key: statistics.median(values) for key, values in figures.items()}
            middle["lost"], middle["paced_failed"] = sum(figures["lost"]), max(figures["paced_failed"])
            out[name] = {"median": middle, "rounds": figures}
            peer = self.figures.get("haproxy")
            if peer and name != "direct":
                out[name]["to_haproxy"] = {key: statistics.median(a / b for a, b in zip(figures[key], peer[key]) if b) for key in RATIOS}
        return out


def shown(value, digits):
    return "-" if value is None else f"{value:,.{digits}f}"


def table(result, columns):
    """The Markdown table of some columns; gateways without any of them are left out."""
    lines = ["| gateway | " + " | ".join(title for _, title, _ in columns) + " |", "|---|" + "--:|" * len(columns)]
    for name, entry in result.items():
        middle = entry["median"]
        if any(key in middle for key, _, _ in columns):
            hidden = {"added_p50", "added_p99", "cpu_request", "cpu_event"} if name == "direct" else set()
            cells = [shown(None if key in hidden else middle.get(key), digits) for key, _, digits in columns]
            lines.append(f"| {name} {entry.get('version', '')}".rstrip() + " | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def ratio_table(result):
    lines = ["| to HAProxy = 1 | req/s | CPU/request | events/s, 64 streams | CPU/event |", "|---|--:|--:|--:|--:|"]
    for name, entry in result.items():
        if "to_haproxy" in entry and name != "haproxy":
            lines.append(f"| {name} | " + " | ".join(shown(entry["to_haproxy"][key], 2) for key in RATIOS) + " |")
    return "\n".join(lines)


def tables(result):
    return "\n\n".join([table(result, COLUMNS), table(result, EXTREMES), ratio_table(result)])


def start_all(names, upstreams, folder):
    started = []
    for name in names:
        if not targets.installed(name):
            host.say(f"{name}: not installed, left out" + ("; `make build`" if name == "meridian" else "; `bench/gateway/setup` installs the peers"))
            continue
        target = targets.ALL[name](name, upstreams, folder)
        started.append(target)
        host.say(f"starting {name}")
        try:
            target.start()
        except (TimeoutError, RuntimeError) as failed:
            host.say(f"{name} left out: {failed}")
            target.stop()
            started.pop()
    return started


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--seconds", type=float, default=3)
    words.add_argument("--only", default="", help="names, with commas; direct is always there")
    words.add_argument("--json", default=str(host.BUILD / "gateway.json"))
    asked = words.parse_args()
    names = [n for n in targets.ALL if n == "direct" or not asked.only or n in asked.only.split(",")]
    started, about = [], host.Circumstances(f"bench/gateway/run.py --rounds {asked.rounds} --seconds {asked.seconds:g}")
    upstream = subprocess.Popen([str(host.BUILD / "fake_upstream"), *map(str, targets.PACES)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with host.scratch() as folder:
        try:
            upstreams = {int(pace): port for pace, port in json.loads(upstream.stdout.readline()).items()}
            started = start_all(names, upstreams, folder)
            bench = Bench(asked.rounds, asked.seconds)
            bench.run(started)
        finally:
            for target in started:
                target.stop()
            upstream.stdin.close()
            upstream.wait(10)
    result = bench.result()
    for target in started:
        result[target.name]["version"] = target.version
    with open(asked.json, "w") as out:
        json.dump({"about": about.facts(), "targets": result}, out, indent=1)
    print(tables(result))


if __name__ == "__main__":
    sys.exit(main())
