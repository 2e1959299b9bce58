"""A price before the run and a bill that keeps it, over a real runtime that counts real tokens, with restarts in between."""
import base64
import json
import time

from support.meridian import models_directory, until

BASE = "/qaas/v1alpha1"
OPENQASM = "OPENQASM 3.0; include \"stdgates.inc\"; qubit[3] q; bit[3] c; h q[0]; cx q[0], q[1]; cx q[1], q[2]; c = measure q;"


def created(meridian, path, body, **headers):
    status, _, answer = meridian.call("POST", path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    assert status in (200, 201), (status, answer)
    return json.loads(answer)


def quote(meridian, kind, request):
    return created(meridian, "/meridian/v1/quotes", {"kind": kind, "request": request})


def by_quote(meridian, path, body, made):
    status, headers, answer = meridian.call("POST", path, body, {"X-Meridian-Quote": made["id"]})
    return status, headers.get("X-Meridian-Receipt"), json.loads(answer)


def receipt(meridian, run):
    return json.loads(base64.b64decode(meridian.get(f"/meridian/v1/receipts/{run}")["leaf"]))


def nanos(euros):
    whole, _, rest = euros.partition(".")
    return int(whole) * 10**9 + int(rest.ljust(9, "0") or 0)


def priced(meridian, sku, unit, eur):
    created(meridian, "/meridian/v1/prices", {"sku": sku, "unit": unit, "eur": eur, "per": 1_000_000})


def test_chats_and_embeddings_cost_what_they_were_quoted_also_after_a_restart(fresh):
    meridian = fresh.start()
    meridian.add_tiny("answer", "tiny")
    meridian.add_tiny("embedding", "vectors")
    for sku in "tiny", "vectors":
        priced(meridian, sku, "input_token", "3")
    priced(meridian, "tiny", "output_token", "7")
    chat = {"model": "tiny", "messages": [{"role": "user", "content": "hello there"}], "max_tokens": 5}
    vectors = {"model": "vectors", "input": ["one", "two and three"]}
    talked, embedded, kept = quote(meridian, "chat", chat), quote(meridian, "embedding", vectors), quote(meridian, "chat", chat)
    assert talked["offers"][0]["binding"] == "ceiling" and embedded["offers"][0]["binding"] == "exact"
    priced(meridian, "tiny", "output_token", "700")  # too late for who has a quote

    status, run, _ = by_quote(meridian, "/v1/chat/completions", {**chat, "stream": False}, talked)
    assert status == 200
    bill = receipt(meridian, run)
    offer = talked["offers"][0]
    assert bill["quote"] == talked["id"] and bill["price"]["output_per_million"] == "7" and bill["ceiling"] == offer["price"]
    assert bill["usage"]["input_tokens"] == offer["lines"][0]["quantity"], "the runtime counts as it reads"
    assert 0 < nanos(bill["cost"]) <= nanos(offer["price"])

    status, run, _ = by_quote(meridian, "/v1/embeddings", vectors, embedded)
    assert status == 200 and receipt(meridian, run)["cost"] == embedded["offers"][0]["price"]

    assert by_quote(meridian, "/v1/chat/completions", chat, talked)[0] == 409
    assert by_quote(meridian, "/v1/chat/completions", {**chat, "max_tokens": 6}, kept)[0] == 409
    fresh.kill()
    fresh.start()
    until(lambda: fresh.chat()[0] == 200, "the model answers again")
    assert by_quote(fresh, "/v1/chat/completions", chat, talked)[0] == 409
    status, run, _ = by_quote(fresh, "/v1/chat/completions", chat, kept)
    assert status == 200 and nanos(receipt(fresh, run)["cost"]) <= nanos(kept["offers"][0]["price"])
    shown = fresh.get(f"/meridian/v1/quotes/{kept['id']}")
    assert shown["state"] == "used" and shown["receipt_id"] == run


def deployment_of(meridian, quoted=None, **more):
    region = "/inference/v1/regions/fr-par/deployments"
    wish = {"name": "hours", "model_id": "hourly", "node_type_name": "", "min_size": 1, "max_size": 1, **more}
    return meridian.call("POST", region, wish, {"X-Meridian-Quote": quoted["id"]} if quoted else {})


def test_a_deployment_is_charged_by_the_hours_that_it_was_quoted(fresh):
    meridian = fresh.start()
    meridian.cli("models", "add", str(models_directory() / "answer.gguf"), "--name", "hourly")
    request = {"model": "hourly", "hours": 10, "replicas": 2}
    assert quote(meridian, "deployment", request)["offers"][0]["price"] == "0", "hours without a price are paid for with the tokens"
    created(meridian, "/meridian/v1/prices", {"sku": "*", "unit": "node_second", "eur": "36", "per": 3600})
    made = quote(meridian, "deployment", request)
    offer = made["offers"][0]
    assert offer["binding"] == "exact" and offer["price"] == "720" and offer["zone"] == "fr-par-1"
    created(meridian, "/meridian/v1/prices", {"sku": "*", "unit": "node_second", "eur": "99", "per": 3600})

    wish = {"node_type_name": offer["node_type"]}
    assert deployment_of(meridian, made, **wish, max_size=3)[0] == 409, "three are more than two"
    status, _, answer = deployment_of(meridian, made, **wish, max_size=2)
    assert status in (200, 201), answer
    deployment = json.loads(answer)
    assert deployment_of(meridian, made, **wish)[0] == 409, "a quote is for one"
    at = f"/inference/v1/regions/fr-par/deployments/{deployment['id']}"
    until(lambda: meridian.get(at)["status"] == "ready", "the deployment is ready")
    assert meridian.call("PATCH", at, {"max_size": 3})[0] == 409
    began = time.monotonic()
    while time.monotonic() - began < 1.5:  # whole seconds are charged
        status, headers, _ = meridian.call("POST", "/v1/chat/completions", {"model": "hourly", "messages": [{"role": "user", "content": "hi"}]})
        assert status == 200 and receipt(meridian, headers["X-Meridian-Receipt"])["cost"] == "0", "tokens are paid for with the hours"

    fresh.stop()
    meridian = fresh.start()
    assert deployment_of(meridian, made, **wish)[0] == 409, "nor after a restart"
    runs = [json.loads(base64.b64decode(meridian.get(f"/meridian/v1/receipts/{each['id']}")["leaf"]))
            for each in meridian.get("/meridian/v1/receipts?limit=500")["receipts"]]
    hours = [run for run in runs if run["kind"] == "deployment_hour"]
    assert hours and all(run["price"]["per_hour"] == "36" and run["quote"] == made["id"] for run in hours)
    assert 0 < sum(nanos(run["cost"]) for run in hours) < 60 * 10**7, "less than a minute"


def test_the_command_line_quotes_a_deployment_and_deploys_by_the_quote(fresh):
    fresh.cli("declare", "--place", "Paris, FR", "--jurisdiction", "FR", "--operator", "Tests", "--watts", "100", "--carbon", "50")
    meridian = fresh.start()
    meridian.cli("models", "add", str(models_directory() / "answer.gguf"), "--name", "hourly")
    created(meridian, "/meridian/v1/prices", {"sku": "*", "unit": "node_second", "eur": "36", "per": 3600})
    shown = meridian.cli("quote", "deployment", "hourly", "--hours", "10", "--replicas", "2").stdout
    made = meridian.get("/meridian/v1/quotes")["quotes"][0]
    offer = made["offers"][0]
    assert made["id"] in shown and offer["node_type"] in shown and offer["price"] == "720" and " 720 " in shown
    # 100 W for ten hours, twice, and 50 g for a kilowatt hour.
    assert offer["energy_millijoules"] == 2 * 10 * 3600 * 100 * 1000 and offer["co2_milligrams"] == 100_000 and " 0.1" in shown
    of_one = meridian.json("quote", "deployment", "hourly", "--hours", "1", "--node-type", offer["node_type"])
    assert [each["price"] for each in of_one["offers"]] == ["36"]
    assert meridian.cli("quote", "deployment", "nothing", "--hours", "1", check=False).returncode != 0
    deploy = ("deploy", "hourly", "--node-type", offer["node_type"], "--size", "2", "--quote")
    deployment = meridian.json(*deploy, made["id"], "--wait")
    refused = meridian.cli(*deploy, made["id"], check=False)
    assert refused.returncode == 1 and "quote" in refused.stderr, "a quote is for one"
    meridian.cli("undeploy", deployment["id"])

    def charged():
        runs = [receipt(meridian, each["id"]) for each in meridian.get("/meridian/v1/receipts?page_size=500")["receipts"]]
        return len(runs) == 2 and runs

    hours = until(charged, "both replicas are charged")
    assert all(run["kind"] == "deployment_hour" and run["quote"] == made["id"] and run["price"]["per_hour"] == "36" for run in hours)


def test_a_quantum_job_is_held_to_its_quote_by_its_parameters(meridian):
    from support.quantum import payload
    platform = meridian.get(f"{BASE}/platforms?backend_name=aer")["platforms"][0]["id"]
    session = created(meridian, f"{BASE}/sessions", {"platform_id": platform})["id"]
    circuit, parameters = {"qiskit_circuit": payload(OPENQASM)}, {"shots": 1000, "options": None}
    made = quote(meridian, "quantum_job", {"platform_id": platform, "circuit": circuit, "parameters": parameters})
    wish = {"name": "held", "session_id": session, "circuit": circuit, "parameters": json.dumps({**parameters, "quote": made["id"]})}
    job = created(meridian, f"{BASE}/jobs", wish)

    def ended():
        found = meridian.get(f"{BASE}/jobs/{job['id']}")
        return found if found["status"] in ("completed", "error") else None

    done = until(ended, "the job ends")
    assert done["status"] == "completed" and made["id"] in done["progress_message"]
    bill = receipt(meridian, done["receipt_id"])
    assert bill["quote"] == made["id"] and nanos(bill["cost"]) <= nanos(made["offers"][0]["price"])
    assert meridian.call("POST", f"{BASE}/jobs", wish)[0] == 409
