#!/usr/bin/env python3
"""How often runs keep their quotes: real chats of the small model and real quantum jobs, each quoted, run by its quote, and read back from
its receipt. Standard library only.

    bench/quotes.py [--chats 700] [--jobs 300] [--clients 2] [--seed 1]

Prints which share of the runs fell within the interval of time that they were quoted (the promise is 90 %), and ends with 1 when that is
not between 85 and 95 %, or when any run cost more than its quote.
"""
import argparse
import base64
import concurrent.futures
import http.client
import json
import random
import statistics
import sys
import threading
import time
import zlib

import host

MODEL = "smollm2-135m-instruct"
WORDS = "lighthouse river bottle message keeper storm letter island winter garden engine clock silver bridge forest music stone paper".split()
LOW, HIGH = 0.85, 0.95
PATIENCE = 60


class Client:
    """One connection, one thread."""

    def __init__(self, meridian):
        self.connection = http.client.HTTPConnection("127.0.0.1", meridian.port, timeout=PATIENCE)
        self.key = meridian.secret

    def call(self, method, path, body=None, **headers):
        self.connection.request(method, path, None if body is None else json.dumps(body),
                                {"Authorization": "Bearer " + self.key, "Content-Type": "application/json",
                                 **{name.replace("_", "-"): value for name, value in headers.items()}})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status not in (200, 201):
            raise RuntimeError(f"{method} {path} answered {answer.status}: {text[:500]}")
        return answer.headers, json.loads(text) if text.startswith(b"{") else text

    def quote(self, kind, request):
        return self.call("POST", "/meridian/v1/quotes", {"kind": kind, "request": request})[1]

    def leaf(self, run):
        return json.loads(base64.b64decode(self.call("GET", f"/meridian/v1/receipts/{run}")[1]["leaf"]))


def chat_request(random_):
    words = " ".join(random_.choice(WORDS) for _ in range(random_.randint(2, 120)))
    return {"model": MODEL, "messages": [{"role": "user", "content": f"Write about these: {words}."}], "max_tokens": random_.randint(1, 24),
            "temperature": 0.8, "seed": random_.randint(1, 10**6)}


def chat(client, random_):
    request = chat_request(random_)
    quote = client.quote("chat", request)
    headers, _ = client.call("POST", "/v1/chat/completions", request, X_Meridian_Quote=quote["id"])
    return quote, client.leaf(headers["X-Meridian-Receipt"])


def program(random_):
    qubits, layers = random_.randint(2, 18), random_.randint(1, 12)
    lines = [f"OPENQASM 3.0; include \"stdgates.inc\"; qubit[{qubits}] q; bit[{qubits}] c;"]
    for _ in range(layers):
        lines += [f"ry({random_.random():.6f}) q[{k}];" for k in range(qubits)]
        lines += [f"cx q[{k}], q[{k + 1}];" for k in range(qubits - 1)]
    packed = base64.b64encode(zlib.compress("\n".join([*lines, "c = measure q;"]).encode())).decode()
    return json.dumps({"backend": {"name": "aer", "options": None, "version": "1"}, "client": {"user_agent": "bench"}, "noise_model": None,
                       "programs": [{"compression_format": 2, "serialization": packed, "serialization_format": 3}]})


class Jobs:
    def __init__(self, client):
        base = "/qaas/v1alpha1"
        self.platform = client.call("GET", f"{base}/platforms?backend_name=aer")[1]["platforms"][0]["id"]
        self.session = client.call("POST", f"{base}/sessions", {"platform_id": self.platform})[1]["id"]

    def __call__(self, client, random_):
        base = "/qaas/v1alpha1"
        circuit = {"qiskit_circuit": program(random_)}
        parameters = json.dumps({"shots": random_.randint(1, 20_000), "options": None})
        quote = client.quote("quantum_job", {"platform_id": self.platform, "circuit": circuit, "parameters": parameters})
        job = client.call("POST", f"{base}/jobs", {"name": "j", "session_id": self.session, "circuit": circuit, "parameters": parameters},
                          X_Meridian_Quote=quote["id"])[1]
        end = time.monotonic() + PATIENCE
        while job["status"] not in ("completed", "error", "cancelled"):
            if time.monotonic() > end:
                raise RuntimeError(f"job {job['id']} did not end")
            job = client.call("GET", f"{base}/jobs/{job['id']}")[1]
        if job["status"] != "completed":
            raise RuntimeError(f"job {job['id']}: {job['progress_message']}")
        return quote, client.leaf(job["receipt_id"])


def nanos(euros):
    whole, _, rest = euros.partition(".")
    return int(whole) * 10**9 + int(rest.ljust(9, "0") or 0)


def judge(quote, receipt):
    """Whether the run kept its time, and its price."""
    seconds, took = quote["offers"][0]["seconds"], receipt["duration_ms"] / 1000
    return {"within": seconds["low"] <= took <= seconds["high"], "dearer": nanos(receipt["cost"]) > nanos(quote["offers"][0]["price"]),
            "held": receipt["quote"] == quote["id"], "width": seconds["high"] / max(seconds["low"], 0.001), "took": took}


def runs(meridian, one, count, clients, seed):
    """So many runs by several clients at once, each with randomness of its own."""
    local = threading.local()

    def run(number):
        if not hasattr(local, "client"):
            local.client = Client(meridian)
        return judge(*one(local.client, random.Random(seed * 1_000_003 + number)))

    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        return list(pool.map(run, range(count)))


def summary(name, judged):
    share = sum(j["within"] for j in judged) / len(judged)
    return {"kind": name, "runs": len(judged), "coverage": round(share, 4), "dearer": sum(j["dearer"] for j in judged),
            "not_held": sum(not j["held"] for j in judged), "median_width": round(statistics.median(j["width"] for j in judged), 2),
            "median_seconds": statistics.median(j["took"] for j in judged)}


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--chats", type=int, default=700)
    words.add_argument("--jobs", type=int, default=300)
    words.add_argument("--clients", type=int, default=2)
    words.add_argument("--seed", type=int, default=1)
    asked = words.parse_args()
    about = host.Circumstances(f"bench/quotes.py --chats {asked.chats} --jobs {asked.jobs} --clients {asked.clients} --seed {asked.seed}")
    with host.scratch() as folder, host.Meridian(folder / "data", "--with", MODEL) as meridian:
        host.say("starting Meridian with the model (the first time it is fetched)")
        meridian.start(seconds=600)
        host.wait_until(lambda: is_served(meridian), 300, "the model answers", step=0.2)
        chats = runs(meridian, chat, asked.chats, asked.clients, asked.seed)
        jobs = runs(meridian, Jobs(Client(meridian)), asked.jobs, asked.clients, asked.seed)
    rows = [summary("chat", chats), summary("quantum_job", jobs), summary("all", chats + jobs)]
    host.write_result("quotes", {"about": about.facts(), "rows": rows})
    print(json.dumps(rows, indent=1))
    kept = LOW <= rows[-1]["coverage"] <= HIGH and rows[-1]["dearer"] == 0 and rows[-1]["not_held"] == 0
    return 0 if kept else 1


def is_served(meridian):
    models = Client(meridian).call("GET", "/v1/models")[1]["data"]
    return any(model["meridian"]["ready"] for model in models)


if __name__ == "__main__":
    sys.exit(main())
