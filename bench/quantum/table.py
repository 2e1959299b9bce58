"""What run.py gathered, as tables for docs/performance.md and plots for docs/quantum/."""
import math
import pathlib
import re

# circuit -> least ratio to the best peer that was asked for, in double and single precision
GOALS = {"qft20": (10, 8), "qft22": (10, 8), "qft24": (10, 8), "qft26": (10, 8), "qaoa22": (8, 4), "qv20": (7, 1.6), "qv22": (7, 1.6), "qv24": (7, 1.6), "hea24": (5, 1.6),
         "grid24": (5, 1.5), "qft18": (1.5, 1.2), "hea18": (1.5, 1.2), "qaoa18": (1.5, 1.2), "qv16": (1.5, 1.2)}
ENERGIES = {"vqe12": ("500 parameter sets, 12 qubits x 4 layers, 23 terms", 10), "grad16": ("adjoint gradient, 16 qubits x 10 layers, 31 terms", 2.5)}
PEERS = ["lightning", "qulacs", "aer", "qsim"]
COLOURS = {"meridian": "#c2410c", "lightning": "#2563eb", "qsim": "#15803d"}


def precision_of(variant):
    return "single" if variant.startswith("single") else "double"


def least(results, name, peer, threads, precision, key):
    """The best variant's figure, or nothing; an early end counts as the time at which it was stopped."""
    found = results.get(f"{name} {peer} {threads}", {}).get("found", [])
    values = [one[key] for one in found if key in one and precision_of(one["variant"]) == precision]
    return min(values) if values else None


def best_peer(results, name, threads, precision, key):
    found = [(value, peer) for peer in PEERS if (value := least(results, name, peer, threads, precision, key)) is not None]
    return min(found) if found else (None, None)


def seconds(value):
    return "-" if value is None else f"{value:.3g}" if value < 100 else f"{value:.0f}"


def ratio(peer, ours, goal):
    if peer is None or ours is None:
        return "-"
    reached = peer / ours
    return f"{reached:.1f}x" + ("" if goal is None else f" (goal {goal:g}x{'' if reached >= goal else ', **missed**'})")


def main_table(results, threads, key, goals=None):
    names = sorted({k.split()[0] for k in results if k.split()[1] == "meridian" and k.split()[2] == str(threads)}, key=order)
    lines = ["| circuit | double | best peer | ratio | single | best peer | ratio |", "|---|--:|--:|--:|--:|--:|--:|"]
    for name in names:
        if name not in GOALS and name != "ghz26":
            continue
        cells = []
        for side, precision in enumerate(("double", "single")):
            ours = least(results, name, "meridian", threads, precision, key)
            peer, which = best_peer(results, name, threads, precision, key)
            cells += [seconds(ours), f"{seconds(peer)} {which or ''}".strip(), ratio(peer, ours, goals or GOALS.get(name, (None, None))[side])]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def order(name):
    kind, n = re.fullmatch(r"([a-z]+)(\d+)", name).groups()
    return (int(n) <= 18, kind, int(n))


def energies(results):
    """Ours and lightning.qubit's, in double precision; `off by` is how far the first value of one lies from that of the other."""
    lines = ["| what | lightning.qubit | ours, double | ratio | off by | single | two threads, double | single |", "|---|--:|--:|--:|--:|--:|--:|--:|"]
    for name, (said, goal) in ENERGIES.items():
        peer, ours = (least(results, name, who, 1, "double", "cpu") for who in ("lightning", "meridian"))
        if peer is None or ours is None:
            continue
        apart = abs(least(results, name, "lightning", 1, "double", "value") - least(results, name, "meridian", 1, "double", "value"))
        cells = [seconds(peer), seconds(ours), ratio(peer, ours, goal), f"{apart:.0e}", seconds(least(results, name, "meridian", 1, "single", "cpu")),
                 *(seconds(least(results, name, "meridian", 2, precision, "core")) for precision in ("double", "single"))]
        lines.append(f"| {said} | " + " | ".join(cells) + " |")
    return lines


def every_peer(results, threads, key):
    lines = ["| circuit | lightning double | single | Qulacs double | Aer double | single | qsim single |", "|---|--:|--:|--:|--:|--:|--:|"]
    columns = [("lightning", "double"), ("lightning", "single"), ("qulacs", "double"), ("aer", "double"), ("aer", "single"), ("qsim", "single")]
    for name in sorted(GOALS | {"ghz26": None}, key=order):
        cells = [seconds(least(results, name, peer, threads, precision, key)) for peer, precision in columns]
        if any(cell != "-" for cell in cells):
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def two_threads(results):
    lines = ["| circuit | double, 1 thread | 2 threads | ratio | single, 1 thread | 2 threads | ratio |", "|---|--:|--:|--:|--:|--:|--:|"]
    for name in sorted(GOALS, key=order):
        cells = []
        for precision in ("double", "single"):
            one, two = (least(results, name, "meridian", threads, precision, "core") for threads in (1, 2))
            cells += [seconds(one), seconds(two), "-" if one is None or two is None else f"{one / two:.2f}x"]
        if cells[1] != "-":
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def plans(results):
    lines = ["| circuit | sweeps | kernels | planning ms | GFLOP/s double | single |", "|---|--:|--:|--:|--:|--:|"]
    for name in sorted(GOALS, key=order):
        found = {precision_of(one["variant"]): one for one in results.get(f"{name} meridian 1", {}).get("found", []) if "plan" in one}
        if len(found) == 2:
            d, s = found["double"], found["single"]
            lines.append(f"| {name} | {d['sweeps']} / {s['sweeps']} | {d['kernels']} / {s['kernels']} | {1e3 * d['plan']:.2f} | {d['gflops']:.1f} | {s['gflops']:.1f} |")
    return lines


def promised(results):
    """Seconds and bytes of a run from circuit to counts: the estimate's over the true ones."""
    lines = ["| circuit | double, seconds | predicted / true | MiB held | predicted / true | single, seconds | predicted / true | MiB held | predicted / true |",
             "|---|--:|--:|--:|--:|--:|--:|--:|--:|"]
    for name in sorted(GOALS | {"ghz26": None}, key=order):
        found = {precision_of(one["variant"]): one for one in results.get(f"{name} meridian 1", {}).get("found", []) if "predicted" in one}
        cells = [cell for precision in ("double", "single") if (one := found.get(precision))
                 for cell in (seconds(one["run"]), f"{one['predicted'] / one['run']:.2f}", *((f"{one['rss'] / 2**20:.0f}", f"{one['bytes'] / one['rss']:.2f}") if one["rss"] > 2**24 else ("-", "-")))]
        if len(cells) == 8:
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    took = [one["calibration"] for k, stored in results.items() if k.split()[1] == "meridian" for one in stored["found"] if "calibration" in one]
    return [*lines, "", f"Memory below 16 MiB is lost in what the process kept from before and is not judged. Calibration took {min(took):.2f} to {max(took):.2f} s."] if took else lines


def tables(stored):
    results = stored["results"]
    times = sorted(one["when"] for one in results.values())
    return "\n".join([f"- measured between {times[0]} and {times[-1]} UTC, each circuit and simulator in a process of its own",
                      "- command: `bench/quantum/run.py`, then `bench/report.py`", "",
                      "CPU seconds, one thread (planning, |0...0> and all gates; for peers the gates alone):", "", *main_table(results, 1, "cpu"), "",
                      "Energies and gradients, CPU seconds of one thread, beside it seconds on the wall of two:", "", *energies(results), "",
                      "Every peer, CPU seconds, one thread, best variant:", "", *every_peer(results, 1, "cpu"), "",
                      "OpenQASM text to 10,000 counts (`ghz26`: 100,000), seconds on the wall, one thread:", "", *main_table(results, 1, "e2e", 1), "",
                      "Every peer, text to counts:", "", *every_peer(results, 1, "e2e"), "",
                      "Estimates before a run, beside the run (one thread, calibrated in the same process):", "", *promised(results), "",
                      "Two threads, seconds on the wall:", "", *two_threads(results), "", "What is planned, and the rate of it:", "", *plans(results)])


def plot(results, kind, precision):
    """Seconds of one core over qubits, logarithmic, as SVG text; nothing where too little was measured."""
    series = {}
    for peer in COLOURS:
        points = [(n, least(results, f"{kind}{n}", peer, 1, precision, "cpu")) for n in range(1, 40)]
        series[peer] = [(n, t) for n, t in points if t]
    series = {peer: points for peer, points in series.items() if len(points) > 1}
    if "meridian" not in series:
        return None
    every = [p for points in series.values() for p in points]
    left, right = min(n for n, _ in every), max(n for n, _ in every)
    low, high = math.floor(math.log10(min(t for _, t in every))), math.ceil(math.log10(max(t for _, t in every)))

    def at(n, t):
        return 60 + 500 * (n - left) / (right - left), 290 - 250 * (math.log10(t) - low) / (high - low)

    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 660 340" font-family="sans-serif" font-size="12">',
           '<rect width="660" height="340" fill="white"/>',
           f'<text x="60" y="24" font-size="14">{kind}, {precision} precision: CPU seconds of one thread over qubits</text>']
    for power in range(low, high + 1):
        y = at(left, 10.0**power)[1]
        out.append(f'<line x1="60" y1="{y:.1f}" x2="560" y2="{y:.1f}" stroke="#ddd"/><text x="52" y="{y + 4:.1f}" text-anchor="end">1e{power}</text>')
    for n in range(left, right + 1, 2):
        out.append(f'<text x="{at(n, 10.0**low)[0]:.1f}" y="310" text-anchor="middle">{n}</text>')
    for peer, points in series.items():
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(n, t) for n, t in points))
        x, y = at(*points[-1])
        out.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[peer]}" stroke-width="2"/>')
        out.append(f'<text x="{x + 6:.1f}" y="{y + 4:.1f}" fill="{COLOURS[peer]}">{peer}</text>')
    return "\n".join([*out, "</svg>", ""])


def draw(stored, folder):
    folder = pathlib.Path(folder)
    for kind in ("qft", "qv", "hea"):
        for precision in ("double", "single"):
            text = plot(stored["results"], kind, precision)
            if text:
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{kind}-{precision}.svg").write_text(text)
