#!/usr/bin/env python3
"""A log of a million receipts: written through the meter, and verified. Leaves build/bench/ledger.json for report.py."""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import host  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--receipts", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--directory", help="on the disk that is to be measured; a temporary one when absent")
    asked = parser.parse_args()
    program = host.ROOT / "build" / "release" / "bin" / "ledger-bench"
    about = host.Circumstances(f"bench/ledger/run.py --receipts {asked.receipts} --threads {asked.threads}")
    with tempfile.TemporaryDirectory(prefix="meridian-bench-", dir=asked.directory) as folder:
        done = subprocess.run([program, folder, str(asked.receipts), str(asked.threads)], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(done.returncode)
    found = json.loads(done.stdout)
    host.write_result("ledger", {"about": about.facts(), "found": found})
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
