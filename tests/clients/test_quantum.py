"""The unmodified quantum SDKs against Meridian: one URL is all that is changed."""
import base64
import hmac
import json
import math

import cirq
import httpx
import numpy
import pennylane as qml
import pytest
from cirq_scaleway import ScalewayQuantumService
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.random import random_circuit
from qiskit.providers import JobError, JobTimeoutError
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_aer.noise import NoiseModel, depolarizing_error
from qiskit_scaleway import ScalewayProvider
from qiskit_scaleway.primitives import Estimator, Sampler
from scaleway_qaas_client.v1alpha1 import QaaSClient

from support.meridian import Meridian, until
from support.quantum import aer, client, facts, heavy, payload, qsim, runs, wait

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def meridian(tmp_path_factory):
    """One of this module's own, without models, so that what these jobs compute slows nobody else's answers."""
    with Meridian(tmp_path_factory.mktemp("quantum") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def session(meridian):
    backend = aer(meridian)
    opened = backend.start_session(name="tests", max_duration="30m", max_idle_duration="30m")
    yield opened
    backend.stop_session(opened)


def run(meridian, circuits, session, **options):
    return aer(meridian).run(circuits, session_id=session, **options).result()


def distance(counts, exact):
    """Total variation between counts and exact probabilities by bit string."""
    shots = sum(counts.values())
    return sum(abs(counts.get(key, 0) / shots - exact.get(key, 0)) for key in set(counts) | set(exact)) / 2


def test_platforms_are_listed_with_sizes_and_prices(meridian):
    platforms = client(meridian).list_platforms()
    assert [p.backend_name for p in platforms] == ["aer", "aer", "qsim"] and [p.is_bookable for p in platforms] == [False, True, False]
    for platform in platforms:
        assert platform.name.startswith("EMU-") and platform.availability == "available" and platform.type_ == "simulator"
        assert platform.max_qubit_count >= 20 and platform.price_per_hour.currency_code == "EUR"
        assert client(meridian).get_platform(platform.id).name == platform.name
    assert client(meridian).list_platforms(provider_name="quandela") == []
    assert [b.name for b in ScalewayProvider(**facts(meridian)).backends()] == [p.name for p in platforms]


def test_ghz_has_two_outcomes_and_a_receipt(meridian, session):
    circuit = QuantumCircuit(5)
    circuit.h(0)
    for k in range(4):
        circuit.cx(k, k + 1)
    circuit.measure_all()
    job = aer(meridian).run(circuit, session_id=session, shots=2000, seed_simulator=7)
    counts = job.result().get_counts()
    assert set(counts) == {"00000", "11111"} and sum(counts.values()) == 2000 and abs(counts["00000"] - 1000) < 150
    assert run(meridian, circuit, session, shots=2000, seed_simulator=7).get_counts() == counts, "a seed repeats a result"
    receipt = meridian.get(f"/meridian/v1/receipts/{job._job_id}")["receipt"]
    assert receipt["kind"] == "quantum_job" and receipt["outcome"] == "finished"
    assert receipt["usage"]["shots"] == 2000 and receipt["usage"]["circuits"] == 1
    shown = meridian.get(f"/qaas/v1alpha1/jobs/{job._job_id}")
    assert "Charged" in shown["progress_message"] and shown["status"] == "completed"
    key = base64.b64decode(meridian.get(f"/meridian/v1/quantum/jobs/{job._job_id}/commitment-key")["key"])
    text = httpx.get(meridian.get(f"/qaas/v1alpha1/models/{shown['model_id']}")["url"]).content
    went_in = b"meridian/input/v1\0" + text + b"\0" + shown["parameters"].encode()
    assert base64.b64decode(receipt["input_commitment"]) == hmac.digest(key, went_in, "sha256")


def test_bits_stand_where_qiskit_has_them(meridian, session):
    circuit = QuantumCircuit(3, 3)
    circuit.x(0)
    circuit.measure([0, 1, 2], [0, 1, 2])
    assert run(meridian, circuit, session).get_counts() == {"001": 1000}
    both = QuantumCircuit(3, 5)
    both.x(2)
    both.measure(2, 4)
    assert run(meridian, both, session).get_counts() == {"10000": 1000}, "more bits than qubits"


@pytest.mark.parametrize("seed", range(4))
def test_random_circuits_agree_with_the_exact_state(meridian, session, seed):
    circuit = random_circuit(5, 6, max_operands=3, seed=seed)
    exact = Statevector(circuit).probabilities_dict()
    circuit.measure_all()
    counts = run(meridian, circuit, session, shots=20000, seed_simulator=seed).get_counts()
    assert distance(counts, exact) < 0.04


def test_several_circuits_in_a_job_keep_their_order_and_registers(meridian, session):
    angles = [0.3, 1.1, 2.0, 2.9]
    circuits = []
    for angle in angles:
        circuit = QuantumCircuit(2, 2)
        circuit.ry(angle, 0)
        circuit.cx(0, 1)
        circuit.measure([0, 1], [0, 1])
        circuits.append(circuit)
    result = run(meridian, circuits, session, shots=4000, seed_simulator=1)
    for k, angle in enumerate(angles):
        counts = result.get_counts(k)
        assert set(counts) <= {"00", "11"}
        assert abs(counts.get("11", 0) / 4000 - math.sin(angle / 2) ** 2) < 0.04


def test_a_parameterized_loop_finds_its_minimum(meridian, session):
    theta = Parameter("t")
    circuit = QuantumCircuit(1, 1)
    circuit.ry(theta, 0)
    circuit.measure(0, 0)

    def energy(angle):
        counts = run(meridian, circuit.assign_parameters({theta: angle}), session, shots=4000, seed_simulator=3).get_counts()
        return (counts.get("0", 0) - counts.get("1", 0)) / 4000

    angle = 0.4
    for _ in range(12):
        angle -= 0.5 * (energy(angle + math.pi / 2) - energy(angle - math.pi / 2)) / 2 * 2
    assert energy(angle) < -0.97


def test_the_estimator_agrees_with_exact_expectations(meridian, session):
    circuit = QuantumCircuit(3)
    a, b = Parameter("a"), Parameter("b")
    circuit.ry(a, 0)
    circuit.cx(0, 1)
    circuit.rx(b, 2)
    circuit.cz(1, 2)
    observable = SparsePauliOp(["ZZI", "IXZ", "YIY"], [0.5, -1.0, 0.25])
    values = [[0.3, 1.0], [1.2, -0.4]]
    estimated = Estimator(backend=aer(meridian), session_id=session, options={"seed_simulator": 5}).run([(circuit, observable, values)], precision=0.01).result()[0].data.evs
    for k, point in enumerate(values):
        exact = Statevector(circuit.assign_parameters(dict(zip(circuit.parameters, point)))).expectation_value(observable).real
        assert abs(estimated[k] - exact) < 0.06


def test_the_sampler_sees_every_register_shot_by_shot(meridian, session):
    from qiskit import ClassicalRegister, QuantumRegister

    qubits, first, second = QuantumRegister(3, "q"), ClassicalRegister(2, "first"), ClassicalRegister(1, "second")
    circuit = QuantumCircuit(qubits, first, second)
    circuit.x(0)
    circuit.h(2)
    circuit.measure([0, 1], first)
    circuit.measure(2, second)
    data = Sampler(backend=aer(meridian), session_id=session).run([circuit], shots=500).result()[0].data
    assert data.first.get_counts() == {"01": 500}
    assert set(data.second.get_counts()) == {"0", "1"} and data.second.num_shots == 500


def test_measurement_in_the_middle_steers_what_follows(meridian, session):
    circuit = QuantumCircuit(3, 3)
    circuit.ry(1.1, 0)  # teleported to qubit 2
    circuit.h(1)
    circuit.cx(1, 2)
    circuit.cx(0, 1)
    circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    with circuit.if_test((circuit.clbits[1], 1)):
        circuit.x(2)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.z(2)
    circuit.measure(2, 2)
    counts = run(meridian, circuit, session, shots=8000, seed_simulator=2).get_counts()
    ones = sum(count for key, count in counts.items() if key[0] == "1")
    assert abs(ones / 8000 - math.sin(0.55) ** 2) < 0.03 and len(counts) == 8


def test_reset_and_loops_arrive(meridian, session):
    circuit = QuantumCircuit(1, 3)
    for bit in range(3):
        circuit.h(0)
        circuit.measure(0, bit)
        circuit.reset(0)
    with circuit.for_loop(range(3)):
        circuit.x(0)
    circuit.measure(0, 2)
    counts = run(meridian, circuit, session, shots=1000).get_counts()
    assert all(key[0] == "1" for key in counts) and len(counts) == 4


def test_what_cannot_be_computed_is_said_in_the_sdks_own_exception(meridian, session):
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    bell.measure_all()
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.04, 1), ["h"])
    wide = QuantumCircuit(60)
    wide.h(range(60))
    wide.measure_all()
    hopeless = [
        ({"noise_model": noise}, bell, "without a noise model"),
        ({"method": "stabilizer"}, bell, "method 'stabilizer' is not offered"),
        ({"method": "matrix_product_state"}, bell, "not offered"),
        ({"precision": "half"}, bell, "no precision 'half'"),
        ({}, wide, "60 qubits does not fit"),
    ]
    for options, circuit, sentence in hopeless:
        with pytest.raises(JobError, match=sentence):
            run(meridian, circuit, session, **options)
        assert sum(run(meridian, bell, session).get_counts().values()) == 1000, "the next job runs"


def test_hostile_payloads_end_in_a_sentence_and_the_next_job_runs(meridian, session):
    qaas = client(meridian)
    bomb = payload("x" * (300 << 20))
    hostile = {
        "no JSON": "{",
        "JSON of something else": json.dumps({"hello": "world"}),
        "a zlib bomb": bomb,
        "a truncated program": payload("OPENQASM 3.0; qubit[2] q; h q[0"),
        "a thousand million qubits": payload("OPENQASM 3.0; qubit[1000000000] q; h q[0];"),
        "a gate that calls itself": payload("OPENQASM 3.0; gate a q { a q; } qubit q; a q;"),
        "an unknown gate": payload("OPENQASM 3.0; qubit q; bit c; frobnicate q; c = measure q;"),
        "an angle that is no number": payload("OPENQASM 3.0; include \"stdgates.inc\"; qubit q; bit c; rx(0/0) q; c = measure q;"),
        "deep brackets": payload("OPENQASM 3.0; include \"stdgates.inc\"; qubit q; rx(" + "(" * 100000 + "1" + ")" * 100000 + ") q;"),
        "an endless loop": payload("OPENQASM 3.0; include \"stdgates.inc\"; qubit q; bit c; while (!c) { c = measure q; }"),
        "a program of no kind": payload("hello", form=42),
    }
    for what, text in hostile.items():
        model = qaas.create_model(text)
        job = qaas.create_job(name="hostile", session_id=session, model_id=model.id, parameters=json.dumps({"shots": 10, "options": None}))
        ended = wait(qaas, job.id)
        assert ended.status == "error", (what, ended.progress_message)
        assert len(ended.progress_message) > 10, what
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    bell.measure_all()
    assert sum(run(meridian, bell, session).get_counts().values()) == 1000


def test_jobs_are_cancelled_and_time_out(meridian):
    qaas, backend = client(meridian), aer(meridian)
    opened = backend.start_session(name="to be ended")
    running = backend.run(heavy(), session_id=opened)
    runs(qaas, opened, running._job_id)
    waiting = backend.run(heavy(), session_id=opened)
    with pytest.raises(JobTimeoutError):
        waiting.result(timeout=0)
    assert qaas.cancel_job(waiting._job_id).status in ("cancelling", "cancelled")
    assert wait(qaas, waiting._job_id).status == "cancelled"
    qaas.cancel_job(running._job_id)
    assert wait(qaas, running._job_id).status == "cancelled"
    limited = backend.run(heavy(), session_id=opened)
    backend.stop_session(opened)
    assert wait(qaas, limited._job_id).status == "cancelled"
    assert until(lambda: qaas.get_session(opened).terminated_at, "the session has ended")
    with pytest.raises(Exception, match="session has ended"):
        backend.run(heavy(), session_id=opened)


def test_a_job_ends_after_its_maximum_duration(meridian, session):
    status, _, body = meridian.call("POST", "/qaas/v1alpha1/models", {"payload": payload(heavy_text())})
    model = json.loads(body)["id"]
    status, _, body = meridian.call("POST", "/qaas/v1alpha1/jobs", {"name": "limited", "session_id": session, "model_id": model, "circuit": {},
                                                                    "max_duration": "1s", "parameters": '{"shots":10,"options":null}'})
    assert status == 200, body
    ended = wait(client(meridian), json.loads(body)["id"])
    assert ended.status == "error" and "max_duration of 1 s" in ended.progress_message


def heavy_text():
    from qiskit import qasm3

    return qasm3.dumps(heavy())


def test_large_results_come_by_a_link_without_a_key(meridian, session):
    circuit = QuantumCircuit(16)
    circuit.h(range(16))
    circuit.measure_all()
    job = aer(meridian).run(circuit, session_id=session, shots=60000, memory=True)
    assert len(set(job.result().get_memory())) > 30000
    listed = client(meridian).list_job_results(job._job_id)
    assert listed[0].result is None and listed[0].url.startswith(meridian.url)


def test_qsim_takes_openqasm_2(meridian):
    backend = qsim(meridian)
    opened = backend.start_session(name="qsim")
    circuit = QuantumCircuit(3, 3)
    circuit.x(0)
    circuit.h(1)
    circuit.barrier()
    circuit.measure([0, 1, 2], [0, 1, 2])
    counts = backend.run(circuit, session_id=opened, shots=1000).result().get_counts()
    backend.stop_session(opened)
    assert set(counts) == {"001", "011"} and sum(counts.values()) == 1000


def test_sessions_are_shared_by_their_deduplication_id(meridian):
    qaas = client(meridian)
    platform = qaas.list_platforms()[0].id
    first = qaas.create_session(platform, deduplication_id="shared", max_duration="10m", max_idle_duration="5m")
    assert first.status == "running" and first.max_duration == "600s"
    assert qaas.create_session(platform, deduplication_id="shared").id == first.id
    assert qaas.list_session_acls(first.id)
    qaas.terminate_session(first.id)
    second = qaas.create_session(platform, deduplication_id="shared")
    assert second.id != first.id
    qaas.delete_session(second.id)
    with pytest.raises(Exception, match="404"):
        qaas.get_session(second.id)
    with pytest.raises(Exception, match="401|403"):
        QaaSClient(project_id=meridian.facts["project_id"], secret_key="11111111-1111-4111-8111-111111111111", url=meridian.url).list_platforms()


@pytest.mark.parametrize("device", ["scaleway.aer", "scaleway.qsim"])
def test_pennylane_devices_sample_and_differentiate(meridian, device):
    backend = (aer if device == "scaleway.aer" else qsim)(meridian).name
    with qml.device(device, wires=2, backend=backend, **facts(meridian)) as dev:

        @qml.set_shots(4000)
        @qml.qnode(dev, diff_method="parameter-shift")
        def cost(x):
            qml.RX(x, wires=0)
            qml.CNOT(wires=[0, 1])
            return qml.expval(qml.PauliZ(1))

        @qml.set_shots(1000)
        @qml.qnode(dev)
        def counts():
            qml.PauliX(wires=0)
            return qml.counts()

        assert abs(cost(0.6) - math.cos(0.6)) < 0.06
        assert {key: int(value) for key, value in counts().items()} == {"10": 1000}
        if device == "scaleway.aer":
            gradient = qml.grad(cost)(qml.numpy.array(0.6, requires_grad=True))
            assert abs(gradient + math.sin(0.6)) < 0.08


@pytest.mark.parametrize("platform", [aer, qsim])
def test_cirq_samples_by_key(meridian, platform):
    device = ScalewayQuantumService(**facts(meridian)).device(platform(meridian).name)
    a, b, c = cirq.LineQubit.range(3)
    circuit = cirq.Circuit(cirq.X(a), cirq.H(b), cirq.CNOT(b, c), cirq.measure(a, b, c, key="m"))
    with device.create_session(name="cirq") as opened:
        result = opened.run(circuit, repetitions=500)
    rows = result.measurements["m"]
    assert rows.shape == (500, 3)
    if platform is qsim:  # by Cirq's own form, so in Cirq's own order
        assert (rows[:, 0] == 1).all() and (rows[:, 1] == rows[:, 2]).all() and 150 < rows[:, 1].sum() < 350


def test_random_cirq_circuits_agree_with_cirq(meridian):
    device = ScalewayQuantumService(**facts(meridian)).device(qsim(meridian).name)
    qubits = cirq.LineQubit.range(4)
    circuit = cirq.testing.random_circuit(qubits, n_moments=8, op_density=0.8, random_state=11)
    circuit += cirq.Moment(cirq.I.on_each(*qubits))
    exact = numpy.abs(cirq.Simulator().simulate(circuit, qubit_order=qubits).final_state_vector) ** 2
    with device.create_session(name="cirq") as opened:
        rows = opened.run(circuit + cirq.measure(*qubits, key="m"), repetitions=20000).measurements["m"]
    seen = numpy.bincount(rows @ [8, 4, 2, 1], minlength=16) / 20000
    assert numpy.abs(seen - exact).sum() / 2 < 0.04


def test_the_cli_runs_a_circuit_without_a_server(meridian, tmp_path):
    file = tmp_path / "bell.qasm"
    file.write_text('OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; creg c[2]; h q[0]; cx q[0],q[1]; measure q -> c;')
    answer = json.loads(meridian.cli("quantum", "run", str(file), "--shots", "5000", "--seed", "1", "--json").stdout)
    assert set(answer["counts"]) == {"00", "11"} and sum(answer["counts"].values()) == 5000 and answer["seed"] == 1
    again = json.loads(meridian.cli("quantum", "run", str(file), "--shots", "5000", "--seed", "1", "--threads", "1", "--json").stdout)
    assert again["counts"] == answer["counts"], "whatever the number of threads"
    shown = meridian.cli("quantum", "run", str(file), "--shots", "100").stdout
    assert "█" in shown and "11" in shown
    quote = json.loads(meridian.cli("quantum", "explain", str(file), "--json").stdout)
    assert quote["engine"].startswith("statevector") and quote["memory_bytes"] > 0 and quote["seconds"] > 0
    assert quote["energy_basis"] == "unknown" and quote["energy_millijoules"] is None
    declared = json.loads(meridian.cli("quantum", "explain", str(file), "--watts", "100", "--json").stdout)
    assert declared["energy_basis"] == "declared watts x seconds" and declared["energy_millijoules"] <= 100e3 * declared["seconds"] + 1
    file.write_text('OPENQASM 3.0; input float t; qubit q; bit c; rx(t) q; c = measure q;')
    turned = json.loads(meridian.cli("quantum", "run", str(file), "--input", f"t={math.pi}", "--shots", "100", "--json").stdout)
    assert turned["counts"] == {"1": 100}
    assert "input 't' has no value" in meridian.cli("quantum", "run", str(file), check=False).stderr
    assert "write --input" in meridian.cli("quantum", "run", str(file), "--input", "t", check=False).stderr
    file.write_text('OPENQASM 2.0; include "qelib1.inc";\nqreg q[2];\nfoo q[0];')
    failed = meridian.cli("quantum", "run", str(file), check=False)
    assert failed.returncode == 1 and "line 3" in failed.stderr and "foo" in failed.stderr
    names = [p["name"] for p in meridian.json("quantum", "platforms")["platforms"]]
    assert names == [p.name for p in client(meridian).list_platforms()]
