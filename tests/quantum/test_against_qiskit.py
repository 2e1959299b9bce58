"""The state-vector engine against Qiskit's Statevector and Aer: random circuits over the whole gate table, bit order, measurement."""
import math
import os
import pathlib
import random
import subprocess

import numpy
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import library
from qiskit.circuit.library import UnitaryGate
from qiskit.quantum_info import SparsePauliOp, Statevector, random_unitary
from qiskit_aer import AerSimulator

PROGRAM = pathlib.Path(os.environ["MERIDIAN_BIN"]).with_name("engine_answers")


def fsim(theta, phi):
    c, s = math.cos(theta), -1j * math.sin(theta)
    return UnitaryGate([[1, 0, 0, 0], [0, c, s, 0], [0, s, c, 0], [0, 0, 0, complex(math.cos(phi), -math.sin(phi))]])


# Our name: Qiskit's gate, its angles, controls among its operands, operands.
GATES = {
    "id": (library.IGate, 0, 0, 1), "x": (library.XGate, 0, 0, 1), "y": (library.YGate, 0, 0, 1), "z": (library.ZGate, 0, 0, 1),
    "h": (library.HGate, 0, 0, 1), "s": (library.SGate, 0, 0, 1), "sdg": (library.SdgGate, 0, 0, 1), "t": (library.TGate, 0, 0, 1),
    "tdg": (library.TdgGate, 0, 0, 1), "sx": (library.SXGate, 0, 0, 1), "sxdg": (library.SXdgGate, 0, 0, 1), "rx": (library.RXGate, 1, 0, 1),
    "ry": (library.RYGate, 1, 0, 1), "rz": (library.RZGate, 1, 0, 1), "p": (library.PhaseGate, 1, 0, 1), "r": (library.RGate, 2, 0, 1),
    "u2": (library.U2Gate, 2, 0, 1), "u": (library.UGate, 3, 0, 1), "cx": (library.CXGate, 0, 1, 2), "cy": (library.CYGate, 0, 1, 2),
    "cz": (library.CZGate, 0, 1, 2), "ch": (library.CHGate, 0, 1, 2), "cs": (library.CSGate, 0, 1, 2), "csdg": (library.CSdgGate, 0, 1, 2),
    "csx": (library.CSXGate, 0, 1, 2), "cp": (library.CPhaseGate, 1, 1, 2), "crx": (library.CRXGate, 1, 1, 2),
    "cry": (library.CRYGate, 1, 1, 2), "crz": (library.CRZGate, 1, 1, 2), "cu3": (library.CU3Gate, 3, 1, 2), "cu": (library.CUGate, 4, 1, 2),
    "swap": (library.SwapGate, 0, 0, 2), "iswap": (library.iSwapGate, 0, 0, 2), "dcx": (library.DCXGate, 0, 0, 2),
    "ecr": (library.ECRGate, 0, 0, 2), "rxx": (library.RXXGate, 1, 0, 2), "ryy": (library.RYYGate, 1, 0, 2), "rzz": (library.RZZGate, 1, 0, 2),
    "rzx": (library.RZXGate, 1, 0, 2), "xx_minus_yy": (library.XXMinusYYGate, 2, 0, 2), "xx_plus_yy": (library.XXPlusYYGate, 2, 0, 2),
    "fsim": (fsim, 2, 0, 2), "ccx": (library.CCXGate, 0, 2, 3), "ccz": (library.CCZGate, 0, 2, 3), "cswap": (library.CSwapGate, 0, 1, 3),
    "c3x": (library.C3XGate, 0, 3, 4), "c3sx": (library.C3SXGate, 0, 3, 4), "c4x": (library.C4XGate, 0, 4, 5),
    "gphase": (library.GlobalPhaseGate, 1, 0, 0),
}


class Engine:
    """Our program on a pipe."""

    def __init__(self):
        self.process = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, lines):
        self.process.stdin.write("\n".join(lines) + "\n")
        self.process.stdin.flush()
        answer = []
        while (line := self.process.stdout.readline()) not in ("end\n", ""):
            assert not line.startswith("no: "), line
            answer.append([float(word) for word in line.split()])
        assert line == "end\n", "the program ended"
        return answer

    def amplitudes(self, lines, precision="double"):
        return numpy.array([complex(re, im) for re, im in self.ask([*lines, f"amplitudes {precision}"])])

    def counts(self, lines, shots, seed=1, precision="double"):
        return {int(outcome): int(count) for outcome, count in self.ask([*lines, f"sample {precision} {shots} {seed}"])}


@pytest.fixture(scope="module")
def engine():
    made = Engine()
    yield made
    made.process.stdin.close()
    assert made.process.wait(timeout=10) == 0


def random_circuit(qubits, operations, seed):
    """The same circuit for Qiskit and, as lines, for us: every gate of the table, added controls of either value, matrices."""
    rng = random.Random(seed)
    circuit, lines = QuantumCircuit(qubits, global_phase=rng.uniform(-3, 3)), [f"qubits {qubits} 0"]
    lines.append(f"phase {circuit.global_phase!r}")
    while operations:
        name = rng.choice([*GATES, "unitary"])
        targets = rng.randint(1, 3)
        make, angles, controls, operands = GATES.get(name, (None, 0, 0, targets))
        extra = rng.choice([0, 0, 0, 1, 2]) if name != "gphase" else 0
        if operands + extra > qubits:
            continue
        on = rng.sample(range(qubits), operands + extra)
        values = rng.randrange(1 << extra)
        by = [rng.uniform(-7, 7) for _ in range(angles)]
        if make:
            gate, numbers, word = make(*by), by, f"gate {name}"
        else:
            matrix = random_unitary(1 << targets, seed=rng.randrange(1 << 30)).data
            gate, numbers, word = UnitaryGate(matrix), [x for e in matrix.flat for x in (e.real, e.imag)], "unitary"
        if extra:
            gate = gate.control(extra, ctrl_state=values, annotated=False)
        circuit.append(gate, on)
        own = ((1 << controls) - 1) << extra
        lines.append(f"{word} {controls + extra} {values | own} " + " ".join(map(str, on)) + " / " + " ".join(map(repr, map(float, numbers))))
        operations -= 1
    return circuit, lines


@pytest.mark.parametrize("qubits", range(1, 13))
def test_random_circuits_agree_with_statevector(engine, qubits):
    for seed in range(4 if qubits < 10 else 2):
        circuit, lines = random_circuit(qubits, 30, 1000 * qubits + seed)
        right = Statevector(circuit).data
        assert numpy.abs(engine.amplitudes(lines) - right).max() < 1e-10, f"seed {1000 * qubits + seed}"
        assert numpy.abs(engine.amplitudes(lines, "single") - right).max() < 1e-5, f"seed {1000 * qubits + seed}"


@pytest.mark.parametrize("qubits", [5, 9, 12])
def test_random_circuits_agree_with_aer(engine, qubits):
    simulator = AerSimulator(method="statevector", fusion_enable=False)
    circuit, lines = random_circuit(qubits, 40, qubits)
    ours = engine.amplitudes(lines)
    circuit.save_statevector()
    # Higher levels leave out swaps and give the qubits in another order.
    right = numpy.asarray(simulator.run(transpile(circuit, simulator, optimization_level=0)).result().get_statevector())
    assert numpy.abs(ours - right).max() < 1e-10


def test_every_gate_alone_agrees_with_its_matrix(engine):
    for name, (make, angles, controls, operands) in GATES.items():
        by = [0.3 + 0.4 * k for k in range(angles)]
        qubits = max(operands, 1)
        circuit, lines = QuantumCircuit(qubits), [f"qubits {qubits} 0"]
        for q in range(qubits):  # no symmetry between the operands
            circuit.u(0.4 + q, 0.2, 0.9 + q, q)
            lines.append(f"gate u 0 0 {q} / {0.4 + q} 0.2 {0.9 + q}")
        circuit.append(make(*by), list(range(operands)))
        lines.append(f"gate {name} {controls} {(1 << controls) - 1} " + " ".join(map(str, range(operands))) + " / " + " ".join(map(repr, by)))
        assert numpy.abs(engine.amplitudes(lines) - Statevector(circuit).data).max() < 1e-12, name


def test_bit_order_is_that_of_aer(engine):
    circuit, lines = QuantumCircuit(5, 6), ["qubits 5 6"]
    for q in (0, 3):
        circuit.x(q)
        lines.append(f"gate x 0 0 {q} /")
    for q, bit in ((0, 4), (1, 0), (2, 2), (3, 5)):
        circuit.measure(q, bit)
        lines.append(f"measure {q} {bit}")
    aer = AerSimulator().run(circuit, shots=20).result().get_counts()
    assert engine.counts(lines, 20) == {int(text, 2): count for text, count in aer.items()} == {0b110000: 20}


def chi_square_fits(counts, expected, shots):
    """Counts against probabilities; rare outcomes together. Six standard deviations of the chi-square distribution."""
    assert sum(counts.values()) == shots and set(counts) <= set(expected)
    common = {k: p * shots for k, p in expected.items() if p * shots >= 8}
    chi = sum((counts.get(k, 0) - e) ** 2 / e for k, e in common.items())
    rare = shots - sum(common.values())
    cells = len(common)
    if rare >= 8:
        chi += (sum(c for k, c in counts.items() if k not in common) - rare) ** 2 / rare
        cells += 1
    assert chi < cells + 6 * math.sqrt(2 * cells)


@pytest.mark.parametrize("qubits", [3, 7, 12])
def test_counts_follow_the_probabilities_of_statevector(engine, qubits):
    circuit, lines = random_circuit(qubits, 40, 77 + qubits)
    expected = {k: p for k, p in enumerate(numpy.abs(Statevector(circuit).data) ** 2) if p > 1e-14}
    lines[0] = f"qubits {qubits} {qubits}"
    lines += [f"measure {q} {q}" for q in range(qubits)]
    for precision in ("double", "single"):
        chi_square_fits(engine.counts(lines, 50_000, 5, precision), expected, 50_000)


def test_measurement_in_the_middle_and_conditions_agree_with_aer(engine):
    circuit, lines = QuantumCircuit(3, 4), ["qubits 3 4"]

    def u(q, *angles):
        circuit.u(*angles, q)
        lines.append(f"gate u 0 0 {q} / " + " ".join(map(repr, angles)))

    def cx(a, b):
        circuit.cx(a, b)
        lines.append(f"gate cx 1 1 {a} {b} /")

    def measure(q, bit):
        circuit.measure(q, bit)
        lines.append(f"measure {q} {bit}")

    u(0, 0.9, 0.3, 0.2), cx(0, 1), u(1, 0.5, 0.1, 1.2)
    measure(1, 0)
    with circuit.if_test((0, 1)):
        circuit.ry(1.1, 2)
    lines += ["if 0", "gate ry 0 0 2 / 1.1"]
    cx(2, 0)
    circuit.reset(1)
    lines.append("reset 1")
    u(1, 1.4, 0.2, 0.3), cx(0, 1)
    for q in range(3):
        measure(q, q + 1)
    shots = 30_000
    aer = AerSimulator(seed_simulator=4).run(circuit, shots=shots).result().get_counts()
    ours = engine.counts(lines, shots)
    theirs = {int(text, 2): count for text, count in aer.items()}
    assert set(ours) == set(theirs)
    # Two samples of one distribution: the difference has twice the variance.
    chi = sum((ours[k] - theirs[k]) ** 2 / (ours[k] + theirs[k]) for k in ours)
    assert chi < len(ours) + 6 * math.sqrt(2 * len(ours))


def test_expectation_values_and_gradients_agree_with_qiskit(engine):
    rng = random.Random(3)
    for qubits in (2, 5, 8):
        letters = ["".join(rng.choice("IXYZ") for _ in range(qubits)) for _ in range(9)]
        weights = [rng.uniform(-1, 1) for _ in letters]
        operator = SparsePauliOp([word[::-1] for word in letters], weights)  # Qiskit writes the last qubit first
        angles = [rng.uniform(-3, 3) for _ in range(3 * qubits)]

        def value(at):
            circuit = QuantumCircuit(qubits)
            for q in range(qubits):
                circuit.ry(at[q], q)
            for q in range(qubits):
                circuit.crx(at[qubits + q], q, (q + 1) % qubits)
            for q in range(qubits):
                circuit.rzz(at[2 * qubits + q], q, (q + 1) % qubits)
                circuit.h(q)
            return Statevector(circuit).expectation_value(operator).real

        lines = [f"qubits {qubits} 0"]
        lines += [f"gate ry 0 0 {q} / {angles[q]!r}" for q in range(qubits)]
        lines += [f"gate crx 1 1 {q} {(q + 1) % qubits} / {angles[qubits + q]!r}" for q in range(qubits)]
        for q in range(qubits):
            lines += [f"gate rzz 0 0 {q} {(q + 1) % qubits} / {angles[2 * qubits + q]!r}", f"gate h 0 0 {q} /"]
        masks = [(sum(1 << q for q, p in enumerate(w) if p in "XY"), sum(1 << q for q, p in enumerate(w) if p in "ZY")) for w in letters]
        terms = [f"{weight!r} {x} {z}" for weight, (x, z) in zip(weights, masks)]
        answer = [row[0] for row in engine.ask([*lines, f"expect double {len(terms)}", *terms])]
        assert abs(answer[0] - value(angles)) < 1e-11
        for k, slope in enumerate(answer[1:]):
            ahead, behind = [list(angles), list(angles)]
            ahead[k] += 1e-5
            behind[k] -= 1e-5
            assert abs(slope - (value(ahead) - value(behind)) / 2e-5) < 1e-8, f"angle {k}"
