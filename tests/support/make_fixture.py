"""Writes what a release leaves behind, for later versions to open: its data directory, a receipt, and what it answered.

  MERIDIAN_BIN=build/release/bin/meridian PYTHONPATH=tests python tests/support/make_fixture.py tests/fixtures

Makes FOLDER/VERSION.tar.gz with data/ (a stopped installation), receipt.json (as `meridian receipts show` gives it) and facts.json (a key, and
requests with the answers that they got). `tests/journeys/test_fixtures.py` opens every such file.
"""
import json
import pathlib
import sys
import tarfile
import tempfile

from qiskit import QuantumCircuit

from support.meridian import Meridian
from support.quantum import aer, client, wait

ASKED = [
    ("POST", "/v1/chat/completions", {"model": "tiny", "messages": [{"role": "user", "content": "hello"}]}),
    ("POST", "/v1/chat/completions", {"model": "tiny", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 2}),
    ("POST", "/v1/completions", {"model": "tiny", "prompt": "hello"}),
    ("POST", "/v1/chat/completions", {"model": "nobody", "messages": [{"role": "user", "content": "hello"}]}),
    ("GET", "/v1/models", None),
    ("GET", "/inference/v1/regions/fr-par/deployments", None),
    ("GET", "/iam/v1alpha1/api-keys", None),
    ("GET", "/account/v3/projects", None),
    ("GET", "/qaas/v1alpha1/sessions", None),
    ("GET", "/meridian/v1/models", None),
    ("GET", "/meridian/v1/receipts?page_size=100", None),
    ("GET", "/meridian/v1/log/fr-par-1/key", None),
    ("GET", "/meridian/v1/prices", None),
    ("GET", "/meridian/v1/budgets", None),
    ("GET", "/meridian/v1/rate-limits", None),
    ("GET", "/meridian/v1/quotes", None),
    ("GET", "/meridian/v1/usage", None),
    ("GET", "/meridian/v1/footprint", None),
    ("GET", "/meridian/v1/changes", None),
    ("GET", "/audit-trail/v1alpha1/regions/fr-par/events", None),
]


def as_read(text):
    """JSON, or the text of what is none."""
    return json.loads(text) if text[:1] in b"{[" else text.decode()


def answers(meridian, requests):
    out = []
    for method, path, body in requests:
        status, _, text = meridian.call(method, path, body)
        out.append({"method": method, "path": path, "body": body, "status": status, "answer": as_read(text)})
    return out


def made(meridian, path, body):
    status, _, answer = meridian.call("POST", path, body)
    assert status in (200, 201), (path, answer)
    return json.loads(answer)


def used(meridian, work):
    """The facts of an installation in which every kind of work was done once."""
    meridian.add_tiny("answer", "tiny")
    meridian.cli("keys", "create", "--description", "another")
    for unit, eur in ("input_token", "3"), ("output_token", "7"):
        made(meridian, "/meridian/v1/prices", {"sku": "tiny", "unit": unit, "eur": eur, "per": 1_000_000})
    made(meridian, "/meridian/v1/budgets", {"name": "ours", "limit": "1000", "period": "total", "alerts": [90]})
    made(meridian, "/meridian/v1/rate-limits", {"requests_per_minute": 1_000_000})
    quote = made(meridian, "/meridian/v1/quotes", {"kind": "chat", "request": ASKED[1][2]})["id"]
    status, headers, _ = meridian.call(*ASKED[1], headers={"X-Meridian-Durable": "1", "X-Meridian-Quote": quote})
    assert status == 200
    receipt = headers["X-Meridian-Receipt"]
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    bell.measure_all()
    session = aer(meridian).start_session(name="bell", deduplication_id="bell", max_duration="30m")
    job = aer(meridian).run(bell, session_id=session, shots=100, seed_simulator=4)
    counts = job.result().get_counts()
    wait(client(meridian), job._job_id)
    recorded = answers(meridian, [one for one in ASKED if one[0] == "POST"])
    recorded += answers(meridian, [("GET", f"/qaas/v1alpha1/jobs/{job._job_id}/results", None), *(one for one in ASKED if one[0] == "GET")])
    (work / "receipt.json").write_text(meridian.cli("receipts", "show", receipt).stdout)
    return {"version": meridian.get("/meridian/v1/status")["version"], "secret_key": meridian.secret, "receipt": receipt,
            "project_id": meridian.facts["project_id"], "job": job._job_id, "counts": counts, "session": session, "recorded": recorded}


def main(folder):
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        with Meridian(work / "data") as meridian:
            facts = used(meridian, work)
        (work / "facts.json").write_text(json.dumps(facts, indent=1))

        def owned(entry):
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = "root"
            return entry

        file = pathlib.Path(folder) / f"{facts['version']}.tar.gz"
        with tarfile.open(file, mode="w:gz") as out:
            for name in ("data", "receipt.json", "facts.json"):
                out.add(work / name, arcname=name, filter=owned)
        print(f"{file}: {file.stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
