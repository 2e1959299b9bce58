"""Long stories of quantum jobs: restarts and kills in the middle of work. None is lost, none is billed twice."""
import json
import os
import random

from qiskit import QuantumCircuit

from support.meridian import until
from support.quantum import aer, client, heavy, payload, runs, wait

CRASHES = int(os.environ.get("MERIDIAN_CRASHES", "5"))
SEED = int(os.environ.get("MERIDIAN_SEED", "1"))


def quantum_receipts(meridian):
    out, token = [], ""
    while token is not None:
        page = meridian.get(f"/meridian/v1/receipts?page_size=100&page_token={token}")
        out += [r for r in page["receipts"] if r["kind"] == "quantum_job"]
        token = page["next_page_token"]
    return out


def test_a_session_goes_on_after_a_restart(fresh):
    fresh.start()
    session = aer(fresh).start_session(name="long", deduplication_id="long", max_duration="30m")
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    bell.measure_all()
    before = aer(fresh).run(bell, session_id=session, shots=100, seed_simulator=4)
    counts = before.result().get_counts()
    running = aer(fresh).run(heavy(), session_id=session, shots=10)
    runs(client(fresh), session, running._job_id)
    assert fresh.stop() == 0
    fresh.start()
    assert aer(fresh).start_session(deduplication_id="long") == session, "the same session, for who comes back"
    assert wait(client(fresh), running._job_id).status == "completed", "what was interrupted is run again"
    assert before.result().get_counts() == counts, "the SDK's own job object reads on"
    after = aer(fresh).run(bell, session_id=session, shots=100, seed_simulator=4).result().get_counts()
    assert after == counts
    outcomes = [r["outcome"] for r in quantum_receipts(fresh)]
    assert sorted(outcomes) == ["finished", "finished", "finished", "interrupted"]
    assert sum(float(r["cost"]) for r in quantum_receipts(fresh) if r["outcome"] == "interrupted") == 0


def test_kill_nine_loses_no_job_and_bills_none_twice(fresh):
    chance = random.Random(SEED)
    fresh.start()
    qaas = client(fresh)
    session = qaas.create_session(qaas.list_platforms()[0].id, max_duration="30m").id
    acknowledged = {}
    for crash in range(CRASHES):
        qaas = client(fresh)
        for number in range(6):
            angle = chance.random() * 3
            layers = chance.choice([1, 5, 40])
            text = "OPENQASM 3.0; include \"stdgates.inc\"; qubit[16] q; bit[16] c;" + "".join(
                f"ry({angle}) q[{k}];" for k in range(16)) * layers + "c = measure q;"
            model = qaas.create_model(payload(text))
            job = qaas.create_job(name=f"{crash}.{number}", session_id=session, model_id=model.id, parameters=json.dumps({"shots": 200, "options": None}))
            acknowledged[job.id] = text
        seen = set()
        want = chance.randrange(6)
        until(lambda: seen.update(j.id for j in qaas.list_jobs(session) if j.status == "completed") or len(seen) >= crash * 6 + want, "some have ended")
        fresh.kill()
        fresh.start()
        kept = {j.id for j in client(fresh).list_jobs(session) if j.status == "completed"}
        assert seen <= kept, "what was seen to have ended has ended"
    qaas = client(fresh)
    for job in acknowledged:
        ended = wait(qaas, job)
        assert ended.status == "completed", ended.progress_message
        assert qaas.list_job_results(job)[0].result
    finished = [r["id"] for r in quantum_receipts(fresh) if r["outcome"] == "finished"]
    assert len(finished) == len(set(finished)) == len(acknowledged), "one receipt a job"
    shown = {fresh.get(f"/qaas/v1alpha1/jobs/{job}")["receipt_id"] for job in acknowledged}
    assert shown == set(finished)
    verdict = json.loads(fresh.cli("verify", str(fresh.data / "zones" / "fr-par-1" / "ledger"), "--json").stdout)
    assert verdict["good"], verdict
