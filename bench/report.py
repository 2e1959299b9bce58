#!/usr/bin/env python3
"""Writes what the last benchmarks measured into docs/performance.md, between its markers; the rest of the page is written by hand.

Each benchmark leaves build/bench/NAME.json. A part without such a file stays as it is, except that the goals are judged by what is there.
"""
import enum
import json
import pathlib
import re
import sys

import host

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "gateway"))
sys.path.append(str(pathlib.Path(__file__).resolve().parent / "quantum"))

PAGE = host.ROOT / "docs" / "performance.md"


def load(name):
    path = host.BUILD / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def circumstances(about):
    lines = [f"- machine: {about['machine']}", f"- when: {about['date']}, Meridian {about['meridian']}, revision {about['revision']}",
             f"- command: `{about['command']}`",
             f"- load average {about['load_before']} before and {about['load_after']} after; cores busy with other work: {about['busy_before']} "
             f"before and {about['busy_after']} after"]
    if not host.was_quiet(about):
        lines.append("- **the machine had other work: read the memory, and the CPU times with a wide margin; rates and latencies say little**")
    return "\n".join(lines)


def gateway_part(found):
    import run
    return circumstances(found["about"]) + "\n\n" + run.tables(found["targets"])


def runtime_part(found):
    lines = [circumstances(found["about"]), f"- llama-server in both: `{found['flags']}` and the model's file", "",
             "| streams | llama-server tokens/s | through Meridian tokens/s | ratio (median of the rounds) "
             "| first token ms, llama-server | through Meridian |",
             "|--:|--:|--:|--:|--:|--:|"]
    for row in found["rows"]:
        direct, ours = row["direct"], row["meridian"]
        lines.append(f"| {row['streams']} | {direct['tokens_per_second']:.1f} | {ours['tokens_per_second']:.1f} | {row['ratio']:.3f} | "
                     f"{direct['first_token_ms']:.0f} | {ours['first_token_ms']:.0f} |")
    return "\n".join(lines)


STARTS = {"new_directory": "`meridian up` in a new directory, to ready", "used_directory": "`meridian up` in a used directory, to ready",
          "model_ready": "with the deployed model, to ready", "model_first_token": "with the deployed model, to the first token",
          "make_run_first_token": "`make run` on a built tree, to the first token"}


def startup_part(found):
    lines = [circumstances(found["about"]), "", "| start | median ms | least | most | starts |", "|---|--:|--:|--:|--:|"]
    for key, title in STARTS.items():
        if key in found["rows"]:
            row = found["rows"][key]
            lines.append(f"| {title} | {row['median_ms']:.0f} | {row['least_ms']:.0f} | {row['most_ms']:.0f} | {row['starts']} |")
    return "\n".join(lines)


def ledger_part(found):
    row = found["found"]
    return circumstances(found["about"]) + "\n" + "\n".join([
        "", "| what | measured |", "|---|--:|",
        f"| receipts, on {row['threads']} threads | {row['receipts']:,} |",
        f"| receipts/s, all durable under a signed checkpoint at the end | {row['durable_per_second']:,.0f} |",
        f"| checkpoints signed meanwhile | {row['checkpoints']:,} |",
        f"| the log's files, relative to the receipts in it | {row['storage_ratio']:.3f} |",
        f"| `meridian verify` of that log | {row['verify_seconds']:.2f} s |",
        f"| one run after the other, each waiting for its checkpoint | {row['alone_ms']:.2f} ms |",
        f"| the files of such a log, relative to its receipts | {row['alone_storage_ratio']:.3f} |",
        f"| single Ed25519 signatures verified, one thread | {row['signatures_per_second']:,.0f}/s |",
        "", "Questions to the books of 20 projects, 500 people with a key each and 8 models, after a start that read the log back:",
        "", f"| question | {row['receipts']:,} receipts | {found['long']['receipts']:,} |", "|---|--:|--:|",
        *(f"| {what} | {row[key]:.3g} {unit} | {found['long'][key]:.3g} {unit} |" for what, key, unit in (
            ("the start", "start_seconds", "s"),
            ("what the organization spent in 30 days (a budget's question)", "spent_us", "us"),
            ("what a key spent in 30 days", "spent_key_us", "us"),
            ("a project's 30 days, by combination", "project_month_ms", "ms"),
            ("an organization's 30 days, by combination", "organization_month_ms", "ms"),
            ("`meridian verify`", "verify_seconds", "s")))])


def control_part(found):
    def cells(get, unit, digits):
        return " | ".join(f"{get(found['found'][name][size]):,.{digits}f} {unit}" for name in found["found"] for size in ("small", "large"))

    names = [base["name"] for base in found["found"].values()]
    first = next(iter(found["found"].values()))
    lines = [circumstances(found["about"]), "",
             f"One decision of the authorizer with 10,000 policies: p50 {found['decision']['p50_us']:.2f} us, p99 {found['decision']['p99_us']:.2f} us, "
             f"p99.9 {found['decision']['p999_us']:.2f} us.", "",
             "| median of | " + " | ".join(f"{name}, {rows:,} rows" for name in names for rows in (found["few"], found["rows"])) + " |",
             "|---|" + "--:|" * 2 * len(names),
             f"| start of the process to ready | {cells(lambda one: one['start']['ready_ms'], 'ms', 0)} |",
             f"| to the first answer | {cells(lambda one: one['start']['first_answer_ms'], 'ms', 0)} |",
             f"| a key is deleted and refused | {cells(lambda one: one['revoking']['here_ms'], 'ms', 1)} |",
             f"| the same, the most | {cells(lambda one: one['revoking']['here_most_ms'], 'ms', 1)} |"]
    for key, title in (("elsewhere_ms", "another process deleted it"), ("elsewhere_most_ms", "the same, the most")):
        lines.append(f"| {title} | " + " | ".join(f"{one['revoking'][key]:.1f} ms" if key in one["revoking"] else "-"
                                                  for base in found["found"].values() for one in (base["small"], base["large"])) + " |")
    for what in first["small"]["rates"]:
        lines.append(f"| {what}, answers a second of CPU | {cells(lambda one, what=what: one['rates'][what]['per_core'], '/s', 0)} |")
    for what in [*first["small"]["lists"], *first["large"]["lists"]]:
        if what in first["small"]["lists"] and what in first["large"]["lists"]:
            row = f"| {what} | {cells(lambda one, what=what: one['lists'][what]['ms'], 'ms', 2)} |"
        elif what in first["large"]["lists"]:
            row = f"| {what} | " + " | ".join(f"- | {base['large']['lists'][what]['ms']:,.1f} ms" for base in found["found"].values()) + " |"
        else:
            continue
        if row not in lines:
            lines.append(row)
    return "\n".join(lines)


def of_control(get):
    """The worst of both databases with all rows."""
    return lambda found: max(get(base["large"], base["small"]) for base in found["found"].values())


def slowest_growth(large, small):
    return max(row["ms"] - small["lists"][what]["ms"] for what, row in large["lists"].items() if what in small["lists"] and "after" not in what)


def deepest(large, _):
    return max(row["ms"] for what, row in large["lists"].items() if "after" in what)


def slowest_rate(large, _):
    return -min(row["per_core"] for row in large["rates"].values())


def at_most(limit, unit, digits=0):
    return lambda value: (value <= limit, f"{value:,.{digits}f}{unit}")


def at_least(limit, unit, digits=0):
    return lambda value: (value >= limit, f"{value:,.{digits}f}{unit}")


def ours(key):
    return lambda found: found["targets"]["meridian"]["median"][key]


def to_haproxy(key):
    return lambda found: found["targets"]["meridian"]["to_haproxy"][key]


def start_ms(key):
    return lambda found: found["rows"][key]["median_ms"]


def overload(found):
    def share(name):
        return found["targets"][name]["median"]["goodput_share"]

    m = found["targets"]["meridian"]["median"]
    return m["refused_share"], m["refused_bare"], share("meridian"), share("haproxy"), m["overload_failed"]


def judge_overload(value):
    """The load takes CPU from the gateway too, so what a gateway keeps under it is judged by what HAProxy keeps."""
    refused, bare, share, peer, failed = value
    good = refused > 0 and bare == 0 and failed == 0 and share >= 0.8 * peer
    return good, (f"{refused:.1%} refused, {bare:.0f} without Retry-After, {failed:.0f} failed; "
                  f"answers {share:.2f} of its 64-client rate (HAProxy {peer:.2f})")


class Needs(enum.Enum):
    nothing = 0  # memory is the same on a busy machine
    quiet = 1


# goal as the project states it, which result, how to find the value, how to judge it, what the judgement needs
GOALS = [
    ("CPU a request at most 2 x HAProxy's", "gateway", to_haproxy("cpu_request"), at_most(2, " x", 2), Needs.quiet),
    ("CPU a streamed event at most 6 us", "gateway", ours("cpu_event"), at_most(6, " us", 2), Needs.quiet),
    ("at least 15,000 requests/s at 64 clients", "gateway", ours("rps_64"), at_least(15_000, "/s"), Needs.quiet),
    ("added latency p50 at most 100 us", "gateway", ours("added_p50"), at_most(100, " us"), Needs.quiet),
    ("added latency p99 at most 400 us", "gateway", ours("added_p99"), at_most(400, " us"), Needs.quiet),
    ("5,000 open streams below 200 MB", "gateway", ours("open_rss"), at_most(200, " MB"), Needs.nothing),
    ("5,000 open streams, none failed", "gateway", ours("open_failed"), at_most(0, " failed"), Needs.quiet),
    ("512 paced streams at 25,600 events/s (1 % for the clock)", "gateway", ours("paced_events"), at_least(0.99 * 25_600, "/s"), Needs.quiet),
    ("512 paced streams, none failed", "gateway", ours("paced_failed"), at_most(0, " failed"), Needs.quiet),
    ("at twice saturation 429/503 with Retry-After, no collapse (keeps at least 0.8 of what HAProxy keeps)", "gateway", overload, judge_overload,
     Needs.quiet),
    ("tokens/s at least 0.97 of llama-server's, 1 stream", "runtime", lambda f: f["rows"][0]["ratio"], at_least(0.97, "", 3), Needs.quiet),
    ("tokens/s at least 0.97 of llama-server's, 4 streams", "runtime", lambda f: f["rows"][1]["ratio"], at_least(0.97, "", 3), Needs.quiet),
    ("20,000 receipts/s durable under signed checkpoints", "ledger", lambda f: f["found"]["durable_per_second"], at_least(20_000, "/s"), Needs.quiet),
    ("a log of a million receipts verified in 10 s", "ledger", lambda f: f["found"]["verify_seconds"], at_most(10, " s", 2), Needs.quiet),
    ("the log's files at most 1.3 x its receipts", "ledger", lambda f: f["found"]["storage_ratio"], at_most(1.3, " x", 3), Needs.nothing),
    ("an authorizer's decision below 2 us p99 with 10,000 policies", "control", lambda f: f["decision"]["p99_us"], at_most(2, " us", 2), Needs.quiet),
    ("a deleted key refused within 100 ms, a million keys", "control", of_control(lambda one, _: max(v for k, v in one["revoking"].items() if "most" in k)),
     at_most(100, " ms", 1), Needs.quiet),
    ("first answer within 1 s of the start, a million rows", "control", of_control(lambda one, _: one["start"]["first_answer_ms"]), at_most(1000, " ms"),
     Needs.quiet),
    ("first pages with a million rows at most 2 ms slower than with a thousand", "control", of_control(slowest_growth), at_most(2, " ms", 2), Needs.quiet),
    ("the last page of a million rows within 1 s", "control", of_control(deepest), at_most(1000, " ms"), Needs.quiet),
    ("2,000 control-plane requests/s per core", "control", lambda f: -of_control(slowest_rate)(f), at_least(2_000, "/s"), Needs.quiet),
    ("`meridian up` ready within 300 ms, new directory", "startup", start_ms("new_directory"), at_most(300, " ms"), Needs.quiet),
    ("`meridian up` ready within 300 ms, used directory", "startup", start_ms("used_directory"), at_most(300, " ms"), Needs.quiet),
    ("`make run` on a built tree to first token within 10 s", "startup", start_ms("make_run_first_token"), at_most(10_000, " ms"), Needs.quiet),
]


def judged(found, value, judge, needs):
    """What was measured, and whether that reaches the goal."""
    try:
        reached, said = judge(value(found))
    except (KeyError, IndexError, TypeError):
        return "not measured yet", "-"
    if needs is Needs.quiet and not host.was_quiet(found["about"]):
        return said, "not judged: busy machine"
    return said, "yes" if reached else "**no**"


def goals_part(results):
    lines = ["| goal | measured | reached |", "|---|---|---|"]
    for goal, name, *rest in GOALS:
        lines.append(f"| {goal} | " + " | ".join(judged(results[name], *rest)) + " |")
    return "\n".join(lines)


def put(text, name, part):
    pattern = re.compile(rf"(<!-- begin: {name} -->\n).*?(<!-- end: {name} -->)", re.S)
    if not pattern.search(text):
        sys.exit(f"{PAGE} has no markers for {name}")
    return pattern.sub(lambda m: m[1] + part + "\n" + m[2], text)


def quantum_part(found):
    import table
    table.draw(found, PAGE.parent / "quantum")
    return table.tables(found)


def main():
    results = {name: load(name) for name in ("gateway", "runtime", "startup", "quantum", "ledger", "control")}
    text = PAGE.read_text()
    for name, part in (("gateway", gateway_part), ("runtime", runtime_part), ("startup", startup_part), ("quantum", quantum_part),
                       ("ledger", ledger_part), ("control", control_part)):
        if results[name]:
            text = put(text, name, part(results[name]))
    PAGE.write_text(put(text, "goals", goals_part(results)))
    print(goals_part(results))


if __name__ == "__main__":
    main()
