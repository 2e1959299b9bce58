#!/usr/bin/env python3
"""The state-vector engine beside other simulators: same circuits, same threads, one after the other.

  bench/quantum/setup                        install the peers (once)
  bench/quantum/run.py [--names a,b] [--peers a,b] [--threads 1,2] [--limit SECONDS] [--core]
  bench/quantum/run.py --series              the engine and its nearest peers over the number of qubits, for the plots

Results are gathered in build/bench/quantum.json by circuit, simulator and threads, so a table can be measured in pieces; `bench/report.py`
puts them into docs/performance.md and draws docs/quantum/*.svg. A simulator that passes its limit is put down as such.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.dont_write_bytecode = True
import host  # noqa: E402
import workloads  # noqa: E402

INPUTS = host.BUILD / "quantum"
RESULTS = host.BUILD / "quantum.json"
OURS = host.ROOT / "build" / "release" / "bin" / "quantum-bench"
PYTHON = host.CACHE / "bench" / "quantum" / "bin" / "python"
LIMIT = 1800.0  # seconds of one circuit on one simulator

SERIES = {"qft": range(12, 27, 2), "qv": range(12, 25, 2), "hea": range(12, 27, 2)}
SERIES_PEERS = ["meridian", "lightning", "qsim"]
SERIES_LARGEST = {"lightning": {"qft": 24, "qv": 20, "hea": 22}, "qsim": {"qft": 26, "qv": 24, "hea": 26}}


def command(peer, name, threads, core):
    if peer == "meridian":
        return [str(OURS), str(INPUTS), name, str(threads)]
    return [str(PYTHON), str(HERE / "peers.py"), peer, str(INPUTS), name, str(threads), *(["core"] if core else [])]


def measured(peer, name, threads, limit, core):
    """The RESULT lines of one simulator on one circuit; an entry with `error` where it ended early."""
    env = os.environ | {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads),
                        "OMP_WAIT_POLICY": "passive", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "ignore"}

    # A limit by RLIMIT_CPU would make the kernel count CPU time by ticks.
    process = subprocess.Popen(command(peer, name, threads, core), env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    stopped = False
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        stopped = True
        process.kill()
        out, err = process.communicate()
    found = [json.loads(line[7:]) for line in out.splitlines() if line.startswith("RESULT ")]
    if stopped:
        found.append({"workload": name, "variant": "-", "error": f"stopped after {limit:.0f} seconds"})
    elif process.returncode:
        last = (err.strip().splitlines() or ["no output"])[-1]
        found.append({"workload": name, "variant": "-", "error": f"exit {process.returncode}: {last[:200]}"})
    return found


def keep(peer, name, threads, found):
    stored = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"results": {}}
    stored["results"][f"{name} {peer} {threads}"] = {"when": time.strftime("%Y-%m-%d %H:%M"), "load": os.getloadavg()[0], "found": found}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(stored, indent=1))


def has_whole(peer, name, threads):
    stored = json.loads(RESULTS.read_text())["results"] if RESULTS.exists() else {}
    return any("e2e" in one for one in stored.get(f"{name} {peer} {threads}", {}).get("found", []))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--names", default=",".join(workloads.FULL))
    parser.add_argument("--peers", default="meridian,lightning,qsim,qulacs,aer")
    parser.add_argument("--threads", default="1")
    parser.add_argument("--limit", type=float, default=LIMIT)
    parser.add_argument("--series", action="store_true")
    parser.add_argument("--core", action="store_true", help="only the application of gates; no text in, no samples out")
    chosen = parser.parse_args()
    jobs = [(peer, name, int(threads)) for threads in chosen.threads.split(",") for name in chosen.names.split(",")
            for peer in chosen.peers.split(",")]
    if chosen.series:
        jobs = [(peer, f"{kind}{n}", 1) for kind, sizes in SERIES.items() for n in sizes for peer in SERIES_PEERS
                if peer in chosen.peers.split(",") and n <= SERIES_LARGEST.get(peer, {}).get(kind, 99)]
    workloads.write(INPUTS, sorted({name for _, name, _ in jobs}))
    for peer, name, threads in jobs:
        if chosen.series and has_whole(peer, name, threads):
            continue  # what was measured from text to counts has the gates' figures too
        found = measured(peer, name, threads, chosen.limit, chosen.core or chosen.series)
        keep(peer, name, threads, found)
        for one in found:
            figures = " ".join(f"{key}={one[key]:.4g}" for key in ("core", "cpu", "plan", "e2e", "e2e_cpu", "gflops") if key in one)
            host.say(f"{name:8} {peer:10} {threads} {one['variant']:14} {one.get('error', figures)}")


if __name__ == "__main__":
    main()
