#!/usr/bin/env python3
"""peers.py PEER DIR NAMES THREADS [core]: runs the circuits of DIR on another simulator and prints a line `RESULT {json}` for each variant of it.

`core` is the application of the gates to |0...0>, `e2e` OpenQASM text in, samples out; both on the wall, with `cpu` and `e2e_cpu` beside
them (all threads), the least of up to three runs; with the word `core` the second is left out. What needs more than a variant's best form
allows (fusion sizes, optimisers) is tried and shown as a variant of its own.

The text is read by each simulator's own front end: Qiskit's for Aer, Cirq's for qsim, Qulacs' converter where it knows the gates and Qiskit's
reader where it does not. PennyLane's reader is a plug-in that asks for an older Qiskit, so its gates come from the short reader here, in its favour.
"""
import collections
import json
import math
import pathlib
import sys
import time

import workloads


def best(work, runs=3, budget=1.5):
    """(least wall, least CPU seconds, runs); stops when `budget` CPU seconds are spent. `work` may return a wall time of its own."""
    walls, cpus = [], []
    while len(walls) < runs and sum(cpus) < budget:
        wall, cpu = time.perf_counter(), time.process_time()
        own = work()
        walls.append(own if isinstance(own, float) else time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return min(walls), min(cpus), len(walls)


def emit(job, variant, core=None, e2e=None, **extra):
    result = {"workload": job["name"], "variant": variant}
    if core:
        result.update(core=core[0], cpu=core[1], runs=core[2])
    if e2e:
        result.update(e2e=e2e[0], e2e_cpu=e2e[1])
    print("RESULT " + json.dumps(result | extra), flush=True)


def loaded(text):
    from qiskit import qasm2
    return qasm2.loads(text, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)


def aer(job, threads):
    import qiskit_aer

    for precision in ("double", "single"):
        simulator = qiskit_aer.AerSimulator(method="statevector", precision=precision, max_parallel_threads=threads)
        bare = loaded(job["text"].replace("measure q -> c;\n", ""))
        bare.save_amplitudes([0])

        def core():
            return float(simulator.run(bare, shots=1).result().results[0].time_taken)

        def whole():
            simulator.run(loaded(job["text"]), shots=job["shots"], seed_simulator=1).result().get_counts()

        emit(job, precision, best(core), best(whole) if job["whole"] else None, version=qiskit_aer.__version__)


def qulacs_gate(name, angles, qubits):
    import qulacs.gate as g
    fixed = {"h": g.H, "s": g.S, "sdg": g.Sdag}
    if name in fixed:
        return fixed[name](qubits[0])
    if name in ("rx", "ry", "rz"):
        return getattr(g, "Rot" + name[1].upper())(qubits[0], angles[0])
    if name == "u3":
        return g.U3(qubits[0], *angles)
    if name == "cu1":
        phase = g.to_matrix_gate(g.U1(qubits[1], angles[0]))
        phase.add_control_qubit(qubits[0], 1)
        return phase
    if name == "rzz":
        return g.PauliRotation(list(qubits), [3, 3], -angles[0])
    return {"cx": g.CNOT, "swap": g.SWAP}[name](*qubits)


def qulacs(job, threads):
    import qulacs as q
    from qulacs.circuit import QuantumCircuitOptimizer
    from qulacs.converter import convert_QASM_to_qulacs_circuit

    def built():
        circuit = q.QuantumCircuit(job["n"])
        for name, angles, qubits in workloads.parsed(job["text"]).ops:
            circuit.add_gate(qulacs_gate(name, angles, qubits))
        return circuit

    def read():
        bare = job["text"].replace("measure q -> c;\n", "")
        bare = bare.replace(f"creg c[{job['n']}];\n", "")
        try:
            return convert_QASM_to_qulacs_circuit(bare.splitlines())
        except (RuntimeError, AssertionError):  # a gate it does not know
            circuit = q.QuantumCircuit(job["n"])
            for one in (read_by_qiskit := loaded(bare)).data:
                circuit.add_gate(qulacs_gate(one.operation.name, one.operation.params, [read_by_qiskit.find_bit(b).index for b in one.qubits]))
            return circuit

    state = q.QuantumState(job["n"])
    for variant in ("light", "2"):
        def optimised(circuit):
            optimiser = QuantumCircuitOptimizer()
            optimiser.optimize_light(circuit) if variant == "light" else optimiser.optimize(circuit, int(variant))
            return circuit

        circuit = optimised(built())

        def core():
            state.set_zero_state()
            circuit.update_quantum_state(state)

        def whole():
            made = optimised(read())
            state.set_zero_state()
            made.update_quantum_state(state)
            collections.Counter(state.sampling(job["shots"], 7))

        emit(job, "double " + variant, best(core), best(whole) if job["whole"] and variant == "light" else None, version=q.__version__)


def lightning_ops(job, qml, angles_of=None):
    named = {"h": qml.Hadamard, "s": qml.S, "rx": qml.RX, "ry": qml.RY, "rz": qml.RZ, "cx": qml.CNOT, "swap": qml.SWAP,
             "cu1": qml.ControlledPhaseShift, "rzz": qml.IsingZZ}
    ops, given = [], iter(angles_of or [])
    for name, angles, qubits in workloads.parsed(job["text"]).ops:
        if angles_of:
            angles = [next(given) for _ in angles]
        if name == "sdg":
            ops.append(qml.PhaseShift(-math.pi / 2, wires=qubits))
        elif name == "u3":  # Rot, up to a global phase
            ops.append(qml.Rot(angles[2], angles[0], angles[1], wires=qubits))
        else:
            ops.append(named[name](*angles, wires=list(qubits)))
    return ops


def lightning_energies(job):
    import numpy as np
    import pennylane as qml
    from importlib.metadata import version
    from pennylane.devices import ExecutionConfig
    asked = json.loads((pathlib.Path(job["file"]).with_suffix(".json")).read_text())
    words = [qml.prod(*(getattr(qml, letter)(q) for q in on)) if len(on) > 1 else getattr(qml, letter)(on[0]) for _, letter, on in asked["sum"]]
    energy = qml.Hamiltonian([c for c, _, _ in asked["sum"]], words)
    device, got = qml.device("lightning.qubit", wires=job["n"]), {}
    if job["kind"] == "sets":
        tapes = [qml.tape.QuantumScript(lightning_ops(job, qml, angles), [qml.expval(energy)]) for angles in asked["sets"]]

        def core():
            got["values"] = device.execute(tapes)
    else:
        tape = qml.tape.QuantumScript(lightning_ops(job, qml), [qml.expval(energy)])
        tape.trainable_params = list(range(len(tape.get_parameters(trainable_only=False))))
        config = ExecutionConfig(gradient_method="adjoint")

        def core():
            got["values"] = device.compute_derivatives(tape, config)

    measured = best(core)
    emit(job, "double", measured, value=float(np.ravel(got["values"])[0]), version=version("pennylane-lightning"))


def lightning(job, threads):
    if job["kind"] != "sv":
        return lightning_energies(job)
    import numpy as np
    import pennylane as qml
    from importlib.metadata import version
    from pennylane_lightning.lightning_qubit._state_vector import LightningStateVector

    for variant, kind in (("double", np.complex128), ("single", np.complex64)):
        ops, state = lightning_ops(job, qml), LightningStateVector(job["n"], dtype=kind)

        def core():
            state.reset_state()
            state.apply_operations(ops)

        def whole():
            device = qml.device("lightning.qubit", wires=job["n"], c_dtype=kind)
            device.execute(qml.tape.QuantumScript(lightning_ops(job, qml), [qml.sample()], shots=job["shots"]))

        measured = best(core)
        del state
        emit(job, variant, measured, best(whole) if job["whole"] else None, version=version("pennylane-lightning"))


def cirq_circuit(job):
    import cirq
    import numpy as np
    qubits = cirq.LineQubit.range(job["n"])
    named = {"h": cirq.H, "s": cirq.S, "sdg": cirq.S**-1, "cx": cirq.CX, "swap": cirq.SWAP}
    ops = []
    for name, angles, on in workloads.parsed(job["text"]).ops:
        if name in named:
            gate = named[name]
        elif name in ("rx", "ry", "rz"):
            gate = getattr(cirq, name)(angles[0])
        elif name == "u3":
            half, phi, lam = angles[0] / 2, angles[1], angles[2]
            gate = cirq.MatrixGate(np.array([[math.cos(half), -np.exp(1j * lam) * math.sin(half)],
                                             [np.exp(1j * phi) * math.sin(half), np.exp(1j * (phi + lam)) * math.cos(half)]]))
        else:
            gate = {"cu1": cirq.CZPowGate, "rzz": cirq.ZZPowGate}[name](exponent=angles[0] / math.pi)
        ops.append(gate(*(qubits[q] for q in on)))
    return cirq.Circuit(ops), qubits


def qsim(job, threads):
    import qsimcirq
    from cirq.contrib.qasm_import import circuit_from_qasm
    from qsimcirq import qsim_circuit
    circuit, qubits = cirq_circuit(job)
    for fused in (2, 3, 4):
        simulator = qsimcirq.QSimSimulator(qsimcirq.QSimOptions(max_fused_gate_size=fused, cpu_threads=threads), seed=3)
        options = dict(simulator.qsim_options)
        options["c"], _ = simulator._translate_circuit(qsim_circuit.QSimCircuit(circuit), "translate_cirq_to_qsim", qubits)
        options["s"] = 3

        def core():
            simulator._sim_module.qsim_simulate_fullstate(options, 0)

        def whole():
            simulator.run(circuit_from_qasm(job["text"]), repetitions=job["shots"])

        kind = simulator._sim_module.__name__.rpartition("_")[2]
        emit(job, f"single f{fused}", best(core), best(whole) if job["whole"] and fused == 3 else None, version=f"{qsimcirq.__version__} {kind}")


PEERS = {"aer": aer, "qulacs": qulacs, "lightning": lightning, "qsim": qsim}

if __name__ == "__main__":
    peer, folder, names, threads = sys.argv[1:5]
    index = json.loads((pathlib.Path(folder) / "index.json").read_text())
    for name in names.split(","):
        if index[name]["kind"] != "sv" and peer != "lightning":
            continue
        text = (pathlib.Path(folder) / f"{name}.qasm").read_text()
        PEERS[peer](index[name] | {"name": name, "text": text, "whole": sys.argv[5:] != ["core"]}, int(threads))
