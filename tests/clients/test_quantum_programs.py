"""What the clients export of their whole gate libraries decodes to the same matrices, up to a global phase."""
import json
import os
import pathlib
import subprocess

import cirq
import numpy as np
import pennylane as qml
import pytest
import sympy
from pennylane_scaleway.utils import QISKIT_OPERATION_MAP, circuit_to_qiskit
from qiskit import QuantumCircuit, QuantumRegister, ClassicalRegister, qasm2, qasm3, transpile
from qiskit.circuit import Parameter
from qiskit.circuit.classical import expr, types
from qiskit.circuit.library import (C3SXGate, DiagonalGate, MCXGate, PauliEvolutionGate, PermutationGate, QFTGate, RCCXGate, RC3XGate, RGate,
                                    RZGate, U2Gate, U3Gate, UGate, UnitaryGate, efficient_su2, get_standard_gate_name_mapping, iSwapGate)
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Operator, SparsePauliOp, random_unitary
from qio.core import BackendData, ClientData, QuantumComputationModel, QuantumNoiseModel, QuantumProgram
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, ReadoutError, amplitude_damping_error, depolarizing_error, pauli_error, reset_error

DECODE = pathlib.Path(os.environ["MERIDIAN_BIN"]).parent / "quantum-decode"
SEED = 20261124


def decoded(kind, text):
    out = subprocess.run([DECODE, kind], input=text, capture_output=True, text=True, check=True)
    answer = json.loads(out.stdout)
    assert "refused" not in answer and "flaw" not in answer, (answer, text[:2000])
    return answer


def refused(kind, text):
    out = subprocess.run([DECODE, kind], input=text, capture_output=True, text=True, check=True)
    return json.loads(out.stdout)["refused"]


def unitary(answer):
    flat = np.array(answer["unitary"])
    size = 2 ** answer["qubits"]
    return (flat[:, 0] + 1j * flat[:, 1]).reshape(size, size)


def same_up_to_phase(a, b):
    overlap = np.vdot(a, b)
    return a.shape == b.shape and np.allclose(a * overlap / abs(overlap), b, atol=1e-9)


def first_qubit_last(matrix):
    """From the first qubit as the most significant (PennyLane, Cirq) to the first as the least, or back."""
    count = int(np.log2(len(matrix)))
    axes = [*range(count)][::-1]
    return matrix.reshape([2] * (2 * count)).transpose(axes + [count + k for k in axes]).reshape(matrix.shape)


def total_variation(a, b):
    return sum(abs(a.get(key, 0) - b.get(key, 0)) for key in {*a, *b}) / 2


# ---- Qiskit

def qiskit_gates():
    rng = np.random.default_rng(SEED)
    for name, gate in get_standard_gate_name_mapping().items():
        if name in ("measure", "reset", "delay", "barrier"):
            continue
        if gate.params:
            gate = gate.copy()
            gate.params = list(rng.uniform(-3, 3, len(gate.params)))
        yield name, gate


def qiskit_circuits():
    rng = np.random.default_rng(SEED)
    for name, gate in qiskit_gates():
        if gate.num_qubits:
            circuit = QuantumCircuit(gate.num_qubits)
            circuit.append(gate, range(gate.num_qubits))
            yield name, circuit
    for name, gate in [("c3sx", C3SXGate()), ("rccx", RCCXGate()), ("rcccx", RC3XGate()), ("mcx4", MCXGate(4)), ("mcx5", MCXGate(5)),
                       ("diagonal", DiagonalGate(np.exp(1j * rng.uniform(0, 6, 8)))), ("permutation", PermutationGate([2, 0, 1])),
                       ("qft", QFTGate(4)), ("unitary1", UnitaryGate(random_unitary(2, SEED))), ("unitary2", UnitaryGate(random_unitary(4, SEED))),
                       ("unitary3", UnitaryGate(random_unitary(8, SEED))),
                       ("evolution", PauliEvolutionGate(SparsePauliOp.from_list([("XYZ", .3), ("ZZI", .7)]), time=.4)),
                       ("controlled", QFTGate(2).control(2, ctrl_state=1))]:
        circuit = QuantumCircuit(gate.num_qubits)
        circuit.append(gate, range(gate.num_qubits)[::-1])
        yield name, circuit.decompose(reps=3) if name == "diagonal" else circuit  # which OpenQASM 3 has no export for
    inner = QuantumCircuit(2, name="my gate")
    inner.h(0)
    inner.crx(.3, 0, 1)
    outer = QuantumCircuit(QuantumRegister(2, "a"), QuantumRegister(1, "b"))
    outer.append(inner.to_gate(), [2, 0])
    outer.append(inner.to_gate().inverse(), [1, 2])
    outer.barrier()
    outer.append(inner.to_gate().control(1), [0, 1, 2])
    yield "nested", outer
    ansatz = efficient_su2(4, reps=2)
    yield "ansatz", ansatz.assign_parameters(rng.uniform(-3, 3, ansatz.num_parameters))
    for seed in range(20):
        yield f"random{seed}", random_circuit(4, 8, max_operands=4, seed=SEED + seed)
        yield f"basis{seed}", transpile(random_circuit(3, 5, seed=SEED + seed), basis_gates=["rz", "sx", "cx"], seed_transpiler=SEED)


QISKIT = list(qiskit_circuits())


@pytest.mark.parametrize("dumps", [qasm2.dumps, qasm3.dumps], ids=["qasm2", "qasm3"])
@pytest.mark.parametrize("name, circuit", QISKIT, ids=[name for name, _ in QISKIT])
def test_qiskit_gate(name, circuit, dumps):
    assert same_up_to_phase(unitary(decoded("qasm", dumps(circuit))), Operator(circuit).data), dumps(circuit)


def controlled(count, state):
    """Gates whose own phase shows as soon as they are controlled."""
    inner = QuantumCircuit(2, global_phase=.7)
    inner.u(.3, .5, .7, 0)
    inner.cx(0, 1)
    for gate in UGate(.3, .5, .7), U3Gate(.3, .5, .7), U2Gate(.5, .7), RZGate(.4), RGate(.3, .4), iSwapGate(), inner.to_gate():
        yield gate.control(count, ctrl_state=state, annotated=False)


@pytest.mark.parametrize("count, state", [(1, None), (1, 0), (2, 1), (3, None)])
def test_qiskit_means_the_phases_of_controlled_gates_as_they_are_read(count, state):
    for gate in controlled(count, state):
        circuit = QuantumCircuit(gate.num_qubits)
        circuit.append(gate, range(gate.num_qubits))
        text = qasm3.dumps(circuit)
        assert " @ " not in text, "Qiskit writes definitions, and no modifiers"
        assert same_up_to_phase(unitary(decoded("qasm", text)), Operator(circuit).data), text


def test_modifiers_written_by_hand_have_the_phases_of_the_specification():
    import cmath
    answer = decoded("qasm", "OPENQASM 3.0; qubit[2] q; ctrl @ U(0.3, 0.5, 0.7) q[0], q[1];")
    exact = np.eye(4, dtype=complex)
    exact[np.ix_([1, 3], [1, 3])] = cmath.exp(.15j) * Operator(UGate(.3, .5, .7)).data
    assert same_up_to_phase(unitary(answer), exact)


def test_an_unbound_parameter_is_an_input_without_a_value():
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("theta"), 0)
    assert "the input 'theta' has no value; bind the parameters" in refused("qasm", qasm3.dumps(circuit))


def dynamic_circuits():
    teleport = QuantumCircuit(QuantumRegister(3, "q"), ClassicalRegister(1, "a"), ClassicalRegister(1, "b"), ClassicalRegister(1, "out"))
    teleport.ry(1.1, 0)
    teleport.h(1)
    teleport.cx(1, 2)
    teleport.cx(0, 1)
    teleport.h(0)
    teleport.measure([0, 1], [0, 1])
    with teleport.if_test((teleport.cregs[1], 1)):
        teleport.x(2)
    with teleport.if_test((teleport.clbits[0], 1)) as otherwise:
        teleport.z(2)
    with otherwise:
        teleport.barrier()
    teleport.measure(2, 2)
    yield "teleport", teleport

    loops = QuantumCircuit(3, 3)
    with loops.for_loop(range(3)) as k:
        loops.ry(.4, 0)
        with loops.if_test((loops.clbits[0], 0)):
            loops.h(1)
        loops.measure(1, 0)
    with loops.while_loop((loops.clbits[1], 0)):
        loops.ry(2, 2)
        loops.measure(2, 1)
    loops.measure(0, 2)
    yield "loops", loops

    switch = QuantumCircuit(3, 2)
    switch.h([0, 1])
    switch.measure([0, 1], [0, 1])
    with switch.switch(switch.cregs[0]) as case:
        with case(1, 2):
            switch.x(2)
        with case(case.DEFAULT):
            switch.ry(.7, 2)
    switch.measure(2, 0)
    yield "switch", switch

    breaks = QuantumCircuit(2, 2)
    with breaks.for_loop(range(4)):
        breaks.ry(.9, 0)
        breaks.measure(0, 0)
        with breaks.if_test((breaks.clbits[0], 1)):
            breaks.break_loop()
        breaks.ry(.5, 1)
    breaks.reset(0)
    breaks.measure(1, 1)
    yield "breaks", breaks


DYNAMIC = list(dynamic_circuits())


@pytest.mark.parametrize("name, circuit", DYNAMIC, ids=[name for name, _ in DYNAMIC])
def test_qiskit_control_flow(name, circuit):
    shots = 20_000
    counts = AerSimulator(seed_simulator=SEED).run(circuit, shots=shots).result().get_counts()
    expected = {key.replace(" ", "")[::-1]: count / shots for key, count in counts.items()}
    answer = decoded("qasm", qasm3.dumps(circuit))
    assert answer["registers"] == [[register.name, register.size] for register in circuit.cregs]
    assert total_variation(answer["distribution"], expected) < .02, (answer["distribution"], expected)


def test_qiskit_variables():
    """Aer cannot run these, so the exact answer is worked out: the turns of qubit 1 add up."""
    circuit = QuantumCircuit(2, 2)
    count = circuit.add_var("count", expr.lift(3, types.Uint(8)))
    flag = circuit.add_var("flag", expr.lift(False))
    circuit.ry(.8, 0)
    circuit.measure(0, 0)
    circuit.store(flag, expr.logic_not(circuit.clbits[0]))
    circuit.store(count, expr.add(count, expr.cast(circuit.cregs[0], types.Uint(8))))
    with circuit.while_loop(expr.greater(count, 0)):
        circuit.ry(.2, 1)
        circuit.store(count, expr.sub(count, 1))
    with circuit.if_test(flag):
        circuit.x(1)
    with circuit.if_test(expr.less(expr.bit_xor(circuit.cregs[0], 1), 2)):
        circuit.ry(.3, 1)
    circuit.measure(1, 1)
    one = np.sin(.4) ** 2
    turned = {"0": np.pi - 3 * .2 + .3, "1": 4 * .2 + .3}
    expected = {first + second: chance * (np.sin if second == "1" else np.cos)(turned[first] / 2) ** 2
                for first, chance in (("0", 1 - one), ("1", one)) for second in "01"}
    assert total_variation(decoded("qasm", qasm3.dumps(circuit))["distribution"], expected) < 1e-9


def test_qio_job_with_noise():
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(.04, 1), ["x", "h"])
    noise.add_quantum_error(pauli_error([("XY", .5), ("ZI", .5)]), ["cx"], [0, 1])
    noise.add_all_qubit_quantum_error(amplitude_damping_error(.3), ["y"])
    noise.add_all_qubit_quantum_error(reset_error(.1, .2), ["rx"])
    noise.add_all_qubit_readout_error(ReadoutError([[.9, .1], [.2, .8]]))
    circuits = [circuit for _, circuit in QISKIT[:3]]
    model = QuantumComputationModel(programs=[QuantumProgram.from_qiskit_circuit(circuit) for circuit in circuits],
                                    noise_model=QuantumNoiseModel.from_qiskit_aer_noise_model(noise), client=ClientData(user_agent="qiskit-scaleway/0"),
                                    backend=BackendData(name="aer", version="1", options={"seed_simulator": 5}))
    answer = decoded("job", model.to_json_str())
    assert answer["errors"] == {"x": 4, "h": 4, "cx": 2, "y": 1, "rx": 3} and answer["readout_errors"] == 1
    assert answer["form"] == "qiskit" and answer["seed"] == 5
    for each, circuit in zip(answer["circuits"], circuits, strict=True):
        assert same_up_to_phase(unitary(each), Operator(circuit).data)


# ---- PennyLane

PENNYLANE = [qml.PauliX(0), qml.PauliY(0), qml.PauliZ(0), qml.Hadamard(0), qml.S(0), qml.T(0), qml.SX(0), qml.adjoint(qml.S(0)),
             qml.adjoint(qml.T(0)), qml.RX(.3, 0), qml.RY(.3, 0), qml.RZ(.3, 0), qml.PhaseShift(.3, 0), qml.U1(.3, 0), qml.U2(.3, .4, 0),
             qml.U3(.3, .4, .5, 0), qml.Rot(.3, .4, .5, 0), qml.CNOT([0, 1]), qml.CZ([0, 1]), qml.CY([1, 0]), qml.CH([0, 1]), qml.SWAP([0, 1]),
             qml.CRX(.3, [0, 1]), qml.CRY(.3, [0, 1]), qml.CRZ(.3, [1, 0]), qml.ControlledPhaseShift(.3, [0, 1]), qml.Toffoli([2, 0, 1]),
             qml.CSWAP([1, 0, 2]), qml.IsingXX(.3, [0, 1]), qml.IsingYY(.3, [0, 1]), qml.IsingZZ(.3, [0, 1]), qml.ISWAP([0, 1]),
             qml.QubitUnitary(random_unitary(4, SEED).data, [0, 1]), qml.MultiRZ(.3, [0, 1, 2]), qml.QFT([0, 1, 2])]


@pytest.mark.parametrize("operation", PENNYLANE, ids=[str(k) + "-" + op.name for k, op in enumerate(PENNYLANE)])
def test_pennylane_gate(operation):
    script = qml.tape.QuantumScript([qml.RX(.1, 0), operation, qml.RY(.2, 1)], [])
    wires = [0, 1, 2]
    text = qml.to_openqasm(script, wires=qml.wires.Wires(wires), measure_all=False, rotations=False)
    expected = first_qubit_last(qml.matrix(script, wire_order=wires))
    assert same_up_to_phase(unitary(decoded("qasm", text)), expected), text


@pytest.mark.parametrize("operation", [op for op in PENNYLANE if op.name in QISKIT_OPERATION_MAP], ids=lambda op: op.name)
def test_pennylane_scaleway_gate(operation):
    script = qml.tape.QuantumScript([qml.RX(.1, 0), operation, qml.RY(.2, 1)], [])
    text = qasm3.dumps(circuit_to_qiskit(script, 3, measure=False))
    assert same_up_to_phase(unitary(decoded("qasm", text)), first_qubit_last(qml.matrix(script, wire_order=[0, 1, 2]))), text


# ---- Cirq

Q = cirq.LineQubit.range(3)
CIRQ = [*(gate(Q[0]) ** t for gate in (cirq.X, cirq.Y, cirq.Z, cirq.H) for t in (1, .5, -.5, .25, .3, -1.7, 0)),
        *(gate(*Q[:2]) ** t for gate in (cirq.CX, cirq.CZ, cirq.SWAP, cirq.ISWAP, cirq.XX, cirq.YY, cirq.ZZ) for t in (1, .5, -.3)),
        *(gate(*Q) ** t for gate in (cirq.CCX, cirq.CCZ) for t in (1, .4)),
        cirq.XPowGate(exponent=.3, global_shift=.7)(Q[0]), cirq.XPowGate(exponent=.3, global_shift=.7)(Q[0]).controlled_by(Q[1]),
        cirq.rx(.3)(Q[0]), cirq.ry(.3)(Q[0]), cirq.rz(.3)(Q[1]), cirq.rz(.3)(Q[1]).controlled_by(Q[0]), cirq.CSWAP(*Q), cirq.FSimGate(.3, .4)(*Q[:2]),
        cirq.PhasedXPowGate(phase_exponent=.3, exponent=.4, global_shift=.2)(Q[0]), cirq.PhasedXZGate(x_exponent=.1, z_exponent=.2, axis_phase_exponent=.3)(Q[0]),
        cirq.PhasedXZGate(x_exponent=.1, z_exponent=.2, axis_phase_exponent=.3)(Q[0]).controlled_by(Q[2]),
        cirq.PhasedISwapPowGate(phase_exponent=.3, exponent=.4)(*Q[:2]), cirq.PhasedFSimGate(.1, .2, .3, .4, .5)(*Q[:2]), cirq.givens(.3)(*Q[:2]),
        cirq.MatrixGate(random_unitary(2, SEED).data)(Q[0]), cirq.MatrixGate(random_unitary(4, SEED).data)(*Q[1::-1]),
        cirq.MatrixGate(random_unitary(8, SEED).data)(*Q), cirq.X(Q[0]).controlled_by(*Q[1:], control_values=[0, 1]),
        cirq.X(Q[0]).controlled_by(*Q[1:], control_values=[(0, 1), 0]), cirq.Y(Q[0]).controlled_by(*Q[1:], control_values=cirq.SumOfProducts([(0, 1), (1, 0)])),
        cirq.ControlledGate(cirq.ISWAP ** .5)(*Q), cirq.ControlledGate(cirq.Z, control_values=[0])(*Q[:2]), cirq.I(Q[0]), cirq.IdentityGate(3)(*Q),
        cirq.DiagonalGate([.1, .2, .3, .4])(*Q[:2]), cirq.TwoQubitDiagonalGate([.1, .2, .3, .4])(*Q[:2]), cirq.ThreeQubitDiagonalGate([.1, .2, .3, .4, .5, .6, .7, .8])(*Q),
        cirq.QuantumFourierTransformGate(3)(*Q), cirq.QuantumFourierTransformGate(3, without_reverse=True)(*Q), cirq.PhaseGradientGate(num_qubits=3, exponent=.7)(*Q),
        cirq.QubitPermutationGate([1, 2, 0])(*Q), cirq.ParallelGate(cirq.Y ** .3, 2)(*Q[:2]), cirq.DensePauliString("XYZ", coefficient=1j)(*Q),
        cirq.PauliString({Q[0]: cirq.X, Q[2]: cirq.Y}), cirq.PauliStringPhasor(cirq.PauliString({Q[0]: cirq.X, Q[1]: cirq.Y}, coefficient=-1), exponent_neg=.3, exponent_pos=.1),
        cirq.PauliStringPhasorGate(cirq.DensePauliString("XYZ"), exponent_neg=.3)(*Q), cirq.PauliInteractionGate(cirq.X, True, cirq.Y, False)(*Q[:2]),  # its exponent is not in the JSON
       
        cirq.global_phase_operation(1j), cirq.X(Q[0]).with_tags("tag"), cirq.wait(Q[0], nanos=3),
        cirq.CircuitOperation(cirq.FrozenCircuit(cirq.X(Q[0]) ** .3, cirq.CX(Q[0], Q[1]) ** .2), repetitions=3).with_qubit_mapping({Q[0]: Q[2]}),
        cirq.CircuitOperation(cirq.FrozenCircuit(cirq.X(Q[0]) ** .3, cirq.ISWAP(Q[0], Q[1])), repetitions=-2),
        cirq.CircuitOperation(cirq.FrozenCircuit(cirq.X(Q[0]) ** sympy.Symbol("t"))).with_params({"t": .3})]


@pytest.mark.parametrize("operation", CIRQ, ids=[str(k) for k in range(len(CIRQ))])
def test_cirq_gate(operation):
    circuit = cirq.Circuit(cirq.X(Q[0]) ** .1, cirq.Y(Q[1]) ** .2, cirq.Z(Q[2]) ** .3, operation, cirq.H(Q[1]))
    expected = first_qubit_last(circuit.unitary(qubit_order=sorted(circuit.all_qubits())))
    assert same_up_to_phase(unitary(decoded("cirq", cirq.to_json(circuit))), expected), cirq.to_json(operation)


@pytest.mark.parametrize("version", ["2.0", "3.0"])
@pytest.mark.parametrize("seed", range(5))
def test_cirq_qasm(seed, version):
    circuit = cirq.testing.random_circuit(4, 10, .8, random_state=SEED + seed)
    text = circuit.to_qasm(version=version)
    assert same_up_to_phase(unitary(decoded("qasm", text)), first_qubit_last(circuit.unitary())), text


def test_cirq_qubits_stand_in_their_sorted_order():
    qubits = [cirq.NamedQubit("q10"), cirq.NamedQubit("q2"), cirq.GridQubit(1, 0), cirq.GridQubit(0, 5), cirq.LineQubit(3), cirq.LineQubit(-1)]
    circuit = cirq.Circuit(cirq.rx(.1 * (k + 1))(qubit) for k, qubit in enumerate(qubits))
    expected = first_qubit_last(circuit.unitary(qubit_order=sorted(qubits)))
    assert same_up_to_phase(unitary(decoded("cirq", cirq.to_json(circuit))), expected)


def cirq_measurements():
    a, b, c = Q
    sub = cirq.FrozenCircuit(cirq.ry(.7)(a), cirq.measure(a, key="m"), cirq.X(b).with_classical_controls("m"))
    yield "invert", cirq.Circuit(cirq.ry(.7)(a), cirq.measure(a, b, key="m", invert_mask=(True, False)), cirq.CX(a, b), cirq.measure(b, key="n"))
    yield "feed forward", cirq.Circuit(cirq.H(a), cirq.ry(.3)(b), cirq.measure(a, b, key="m"), cirq.X(c).with_classical_controls("m"), cirq.measure(c, key="n"))
    yield "sympy", cirq.Circuit(cirq.H(a), cirq.ry(1.3)(b), cirq.measure(a, b, key="m"), cirq.X(c).with_classical_controls(sympy.Symbol("m") > 1), cirq.measure(c, key="n"))
    yield "mask", cirq.Circuit(cirq.H(a), cirq.ry(1.3)(b), cirq.measure(a, b, key="m"),
                               cirq.X(c).with_classical_controls(cirq.BitMaskKeyCondition("m", bitmask=1, target_value=1, equal_target=True)), cirq.measure(c, key="n"))
    yield "repeated key", cirq.Circuit(cirq.ry(.9)(a), cirq.measure(a, key="m"), cirq.ry(.9)(a), cirq.measure(a, key="m"), cirq.X(c).with_classical_controls("m"), cirq.measure(c, key="n"))
    yield "sub-circuit", cirq.Circuit(cirq.CircuitOperation(sub, repetitions=2, use_repetition_ids=False), cirq.measure(b, key="n"))
    yield "named rounds", cirq.Circuit(cirq.CircuitOperation(sub, repetitions=2, use_repetition_ids=True, measurement_key_map={"m": "z"}), cirq.measure(b, key="n"))
    yield "confusion", cirq.Circuit(cirq.ry(.9)(a), cirq.measure(a, b, key="m", confusion_map={(0,): np.array([[.9, .1], [.2, .8]])}))
    yield "pauli", cirq.Circuit(cirq.H(a), cirq.CX(a, b), cirq.ry(.4)(b), cirq.PauliMeasurementGate([cirq.X, cirq.Y], key="m")(a, b), cirq.measure(a, b, key="n"))
    yield "reset", cirq.Circuit(cirq.ry(.9)(a), cirq.CX(a, b), cirq.reset(a), cirq.measure(a, b, key="m"))
    for name, channel in [("bit flip", cirq.bit_flip(.2)), ("phase flip", cirq.phase_flip(.2)), ("depolarize", cirq.depolarize(.2)), ("amplitude", cirq.amplitude_damp(.3)),
                          ("phase", cirq.phase_damp(.3)), ("generalized", cirq.generalized_amplitude_damp(.2, .3)), ("asymmetric", cirq.asymmetric_depolarize(.1, .2, .05)),
                          ("kraus", cirq.KrausChannel([np.array([[1, 0], [0, .8]]), np.array([[0, .6], [0, 0]])])),
                          ("mixture", cirq.MixedUnitaryChannel([(.3, np.eye(2)), (.7, np.array([[0, 1], [1, 0]]))]))]:
        yield name, cirq.Circuit(cirq.ry(.9)(a), channel(a), cirq.ry(.4)(a), cirq.CX(a, b), cirq.measure(a, b, key="m"))
    yield "depolarize two", cirq.Circuit(cirq.ry(.9)(a), cirq.CX(a, b), cirq.depolarize(.3, n_qubits=2)(a, b), cirq.measure(a, b, key="m"))


MEASURED = list(cirq_measurements())


@pytest.mark.parametrize("name, circuit", MEASURED, ids=[name for name, _ in MEASURED])
def test_cirq_measurement(name, circuit):
    shots = 4_000
    # Cirq's density matrices measure Pauli products wrongly; its state vectors do not.
    simulator = cirq.Simulator if name == "pauli" else cirq.DensityMatrixSimulator
    records = simulator(seed=SEED).run(circuit, repetitions=shots).records
    answer = decoded("cirq", cirq.to_json(circuit))
    expected = {}
    for shot in range(shots):
        seen, bits = {}, ""
        for key, size in answer["registers"]:
            instance = seen.get(key, 0)
            seen[key] = instance + 1
            assert records[key].shape[2] == size
            bits += "".join(map(str, records[key][shot][instance]))
        expected[bits] = expected.get(bits, 0) + 1 / shots
    assert total_variation(answer["distribution"], expected) < .05, (answer["distribution"], expected)


def test_cirq_complaints_name_the_place():
    circuit = cirq.Circuit(cirq.H(Q[0]), cirq.X(Q[0]) ** sympy.Symbol("t"))
    assert refused("cirq", cirq.to_json(circuit)) == "moment 1, operation 0: the parameter 't' has no value; resolve it before you send the circuit"
