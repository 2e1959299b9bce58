"""Seeded circuits that every simulator gets: `circuit("qft24")`, and `write(folder, names)` for OpenQASM 2 files with an index.json.

Only Python's own generator of random numbers is used, so the files are the same everywhere. Every gate is in qelib1.inc.
"""
import json
import math
import pathlib
import random
import re

HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'


class Circuit:
    def __init__(self, n):
        self.n, self.ops = n, []

    def add(self, name, qubits, *angles):
        self.ops.append((name, tuple(float(a) for a in angles), tuple(qubits)))

    def qasm(self, measured):
        lines = [HEAD, f"qreg q[{self.n}];\n"]
        if measured:
            lines.append(f"creg c[{self.n}];\n")
        for name, angles, qubits in self.ops:
            said = "(" + ",".join(map(repr, angles)) + ")" if angles else ""
            lines.append(f"{name}{said} " + ",".join(f"q[{q}]" for q in qubits) + ";\n")
        if measured:
            lines.append("measure q -> c;\n")
        return "".join(lines)


def parsed(text):
    """The circuit of what `Circuit.qasm` writes, and of nothing else."""
    circuit = None
    for statement in (s.strip() for s in text.split(";")):
        if statement.startswith("qreg"):
            circuit = Circuit(int(statement[statement.index("[") + 1:statement.index("]")]))
        if not statement or statement.startswith(("OPENQASM", "include", "qreg", "creg", "measure")):
            continue
        head, operands = statement.rsplit(" ", 1)
        name, _, angles = head.rstrip(")").partition("(")
        circuit.add(name, [int(q[2:-1]) for q in operands.split(",")], *(angles.split(",") if angles else []))
    return circuit


def qft(n):
    r, c = random.Random(1), Circuit(n)
    for q in range(n):  # a product state of its own, so that nobody profits from |0..0>
        c.add("ry", [q], r.uniform(0, math.pi))
    for q in reversed(range(n)):
        c.add("h", [q])
        for other in reversed(range(q)):
            c.add("cu1", [other, q], math.pi / 2 ** (q - other))
    for q in range(n // 2):
        c.add("swap", [q, n - 1 - q])
    return c


def quantum_volume(n):
    """n layers of a random pairing, with a generic two-qubit unitary on each pair, spelt as eight u3 and three cx."""
    r, c = random.Random(2), Circuit(n)

    def u(q):
        c.add("u3", [q], math.acos(r.uniform(-1, 1)), r.uniform(0, 2 * math.pi), r.uniform(0, 2 * math.pi))

    for _ in range(n):
        order = list(range(n))
        r.shuffle(order)
        for a, b in zip(order[::2], order[1::2]):
            u(a), u(b)
            for _ in range(3):
                c.add("cx", [a, b])
                u(a), u(b)
    return c


def ghz(n):
    c = Circuit(n)
    c.add("h", [0])
    for q in range(n - 1):
        c.add("cx", [q, q + 1])
    return c


def ansatz(n, layers=10):
    """Hardware-efficient: ry and rz on every qubit, a chain of cx; at the end ry once more."""
    r, c = random.Random(3), Circuit(n)
    for _ in range(layers):
        for q in range(n):
            c.add("ry", [q], r.uniform(-math.pi, math.pi))
            c.add("rz", [q], r.uniform(-math.pi, math.pi))
        for q in range(n - 1):
            c.add("cx", [q, q + 1])
    for q in range(n):
        c.add("ry", [q], r.uniform(-math.pi, math.pi))
    return c


def grid(rows, columns, depth):
    """As in supremacy experiments: a root of X, Y or W on every qubit, then fSim(pi/2, pi/6) on one of four sets of couplers.
    fSim(pi/2, phi) is written sdg sdg swap cu1(pi - phi)."""
    r, c = random.Random(4), Circuit(rows * columns)
    last = [None] * c.n
    for layer in range(depth):
        for q in range(c.n):
            last[q] = r.choice([k for k in range(3) if k != last[q]])
            c.add(("rx", "ry", "u3")[last[q]], [q], math.pi / 2, *((-math.pi / 4, math.pi / 4) if last[q] == 2 else ()))
        pattern = "ABCDCDAB"[layer % 8]
        down, odd = pattern in "CD", pattern in "BD"
        for y in range(rows):
            for x in range(columns):
                at, to = (y, y + 1) if down else (x, x + 1)
                if at % 2 != odd or to >= (rows if down else columns):
                    continue
                a, b = y * columns + x, (y + down) * columns + x + (not down)
                c.add("sdg", [a])
                c.add("sdg", [b])
                c.add("swap", [a, b])
                c.add("cu1", [a, b], math.pi - math.pi / 6)
    return c


def qaoa(n, layers=6):
    """MaxCut on a random 3-regular graph: rzz on its edges, rx on its nodes."""
    r, c = random.Random(5), Circuit(n)
    while True:
        stubs = [v for v in range(n) for _ in range(3)]
        r.shuffle(stubs)
        edges = {tuple(sorted(t)) for t in zip(stubs[::2], stubs[1::2])}
        if len(edges) == 3 * n // 2 and all(a != b for a, b in edges):
            break
    for q in range(n):
        c.add("h", [q])
    for _ in range(layers):
        gamma, beta = r.uniform(0, math.pi), r.uniform(0, math.pi)
        for a, b in sorted(edges):
            c.add("rzz", [a, b], gamma)
        for q in range(n):
            c.add("rx", [q], 2 * beta)
    return c


GRIDS = {16: (4, 4, 14), 18: (3, 6, 10), 20: (4, 5, 14), 24: (4, 6, 14), 25: (5, 5, 14)}
MAKERS = {"qft": qft, "qv": quantum_volume, "ghz": ghz, "hea": ansatz, "grid": lambda n: grid(*GRIDS[n]), "qaoa": qaoa,
          "vqe": lambda n: ansatz(n, 4), "grad": ansatz}
KINDS = {"vqe": "sets", "grad": "gradient"}  # of the others: "sv", a state vector
SETS = 500
FULL = ["qft20", "qft22", "qft24", "qft26", "qv20", "qv22", "qv24", "hea24", "grid24", "qaoa22", "ghz26", "hea18", "qaoa18", "qft18", "qv16",
        "vqe12", "grad16"]
SHOTS = {"ghz26": 100_000}


def circuit(name):
    kind, n = re.fullmatch(r"([a-z]+)(\d+)", name).groups()
    return MAKERS[kind](int(n))


def chain(n):
    """The energy that `vqe` and `grad` ask for, as (coefficient, letter, qubits): ZZ on neighbours, a field along X."""
    return [(1.0, "Z", (q, q + 1)) for q in range(n - 1)] + [(0.5, "X", (q,)) for q in range(n)]


def parameter_sets(made):
    """SETS rows of angles, in the order of the circuit's own."""
    r = random.Random(6)
    return [[r.uniform(-3, 3) for op in made.ops for _ in op[1]] for _ in range(SETS)]


def write(folder, names):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    index = {}
    for name in names:
        made = circuit(name)
        kind = KINDS.get(re.match("[a-z]+", name)[0], "sv")
        file = folder / f"{name}.qasm"
        file.write_text(made.qasm(measured=kind == "sv"))
        if kind != "sv":
            (folder / f"{name}.json").write_text(json.dumps({"sum": chain(made.n), "sets": parameter_sets(made) if kind == "sets" else []}))
        index[name] = {"kind": kind, "file": str(file), "n": made.n, "gates": len(made.ops), "shots": SHOTS.get(name, 10_000)}
    (folder / "index.json").write_text(json.dumps(index, indent=1))
    return index
