#!/usr/bin/env python3
"""A log of a million receipts: written through the meter, verified, and asked; and one ten times as long. Leaves build/bench/ledger.json
for report.py."""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import host  # noqa: E402


def measured(program, receipts, threads, directory):
    with tempfile.TemporaryDirectory(prefix="meridian-bench-", dir=directory) as folder:
        done = subprocess.run([program, folder, str(receipts), str(threads)], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(done.returncode)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--receipts", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--directory", help="on the disk that is to be measured; a temporary one when absent")
    asked = parser.parse_args()
    program = host.ROOT / "build" / "release" / "bin" / "ledger-bench"
    about = host.Circumstances(f"bench/ledger/run.py --receipts {asked.receipts} --threads {asked.threads}")
    found, long = (measured(program, receipts, asked.threads, asked.directory) for receipts in (asked.receipts, 10 * asked.receipts))
    host.write_result("ledger", {"about": about.facts(), "found": found, "long": long})
    print(json.dumps([found, long], indent=1))


if __name__ == "__main__":
    main()
