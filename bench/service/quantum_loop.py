#!/usr/bin/env python3
"""What a variational loop costs through the real client: 200 Estimator iterations in one session, and single jobs by bare HTTP.

    MERIDIAN_BIN=build/release/bin/meridian $(tools/setup/clients)/python/bin/python bench/service/quantum_loop.py

Starts a Meridian of its own on a temporary data directory. Prints two lines of figures, and ends with 1 when a goal is missed.
"""
import json
import pathlib
import statistics
import sys
import tempfile
import time
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests"))
warnings.simplefilter("ignore")

from qiskit.circuit.library import n_local  # noqa: E402
from qiskit.quantum_info import SparsePauliOp  # noqa: E402
from qiskit_scaleway.primitives import Estimator  # noqa: E402

from support.meridian import Meridian  # noqa: E402
from support.quantum import aer, payload  # noqa: E402

ITERATIONS, LOOP_GOAL_S = 200, 20
JOBS, OVERHEAD_GOAL_MS = 200, 20
PROGRAM = "OPENQASM 3.0; include \"stdgates.inc\"; qubit[5] q; bit[5] c; " + "".join(f"ry({0.1 + k}) q[{k}];" for k in range(5)) + "".join(
    f"cx q[{k}], q[{k + 1}];" for k in range(4)) + " c = measure q;"


def loop(meridian):
    backend = aer(meridian)
    session = backend.start_session(name="loop")
    circuit = n_local(5, "ry", "cz", reps=2)
    observable = SparsePauliOp(["ZZIII", "IXXII", "IIZZI", "IIIXX"])
    estimator = Estimator(backend=backend, session_id=session, options={"seed_simulator": 1})
    started = time.perf_counter()
    for k in range(ITERATIONS):
        estimator.run([(circuit, observable, [0.01 * k + 0.1 * p for p in range(circuit.num_parameters)])], precision=1 / 1000**0.5).result()
    took = time.perf_counter() - started
    backend.stop_session(session)
    return took


def overhead(meridian):
    """Milliseconds from POST /jobs to the answer of the GET that waited for its end, 5 qubits and 1000 shots."""
    _, _, body = meridian.call("GET", "/qaas/v1alpha1/platforms?backend_name=aer")
    platform = json.loads(body)["platforms"][0]["id"]
    _, _, body = meridian.call("POST", "/qaas/v1alpha1/sessions", {"platform_id": platform})
    session = json.loads(body)["id"]
    times = []
    for _ in range(JOBS):
        _, _, body = meridian.call("POST", "/qaas/v1alpha1/models", {"payload": payload(PROGRAM)})
        model = json.loads(body)["id"]
        started = time.perf_counter()
        _, _, body = meridian.call("POST", "/qaas/v1alpha1/jobs", {"name": "j", "session_id": session, "model_id": model, "circuit": {},
                                                                   "parameters": '{"shots":1000,"options":null}'})
        job = json.loads(body)["id"]
        _, _, body = meridian.call("GET", f"/qaas/v1alpha1/jobs/{job}")
        times.append((time.perf_counter() - started) * 1e3)
        assert json.loads(body)["status"] == "completed", body
    return sorted(times[10:])


def main():
    with tempfile.TemporaryDirectory() as directory, Meridian(pathlib.Path(directory) / "data") as meridian:
        times = overhead(meridian)
        median, late = statistics.median(times), times[int(len(times) * 0.95)]
        print(f"submit to result, 5 qubits x 1000 shots: median {median:.1f} ms, p95 {late:.1f} ms (goal: below {OVERHEAD_GOAL_MS} ms)")
        took = loop(meridian)
        print(f"{ITERATIONS} Estimator iterations: {took:.1f} s (goal: below {LOOP_GOAL_S} s)")
    return 0 if median < OVERHEAD_GOAL_MS and took < LOOP_GOAL_S else 1


if __name__ == "__main__":
    sys.exit(main())
