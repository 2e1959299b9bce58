#!/usr/bin/env python3
"""The house rules that no compiler knows: arrows between rooms, length of files, words that may not stay.

Prints each finding as path:line: sentence, and ends with 1 when there is one.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINES_MAX = 500
FUNCTION_MAX = 90
SOURCE = {".h", ".cpp"}
# Headers of libraries that may be included by some files only: pattern -> who may.
KEPT_IN = [
    (r"boost/beast", r"^src/http/(parse|beast|websocket)[^/]*\.cpp$"),
    (r"^sqlite3\.h", r"^src/store/.*\.cpp$"),
    (r"libpq-fe\.h", r"^src/store/postgres/.*\.cpp$"),
    (r"^openssl/", r"^src/(base|http|keys)/.*\.(cpp|h)$"),
    (r"^cjose/", r"^src/identity/oidc/id_token[^/]*\.cpp$"),
    (r"^yaml-cpp/", r"^src/catalog/.*\.cpp$"),
    (r"^zip\.h", r"^src/catalog/.*\.(cpp|h)$"),
    (r"^zlib\.h", r"^src/quantum/programs/compress\.cpp$"),
    (r"^date/", r"^src/base/time_zone\.cpp$"),
    (r"^CLI/", r"^apps/meridian/.*\.(cpp|h)$"),
    (r"^spdlog/", r"^src/base/log\.cpp$"),
    (r"^hwy/", r"^src/quantum/engines/statevector/kernels[^/]*\.(cpp|h)$"),
    (r"^boost/asio/steady_timer", r"^src/(base|http)/.*\.cpp$"),
    (r"^boost/asio\.hpp$", r"^$"),
]
WORDS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|GTEST_SKIP|DISABLED_|pytest\.mark\.skip|pytest\.skip\(|/work/|using namespace std;")

findings = []


def find(path, line, said):
    findings.append(f"{path}:{line}: {said}")


def tracked():
    out = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [pathlib.PurePosixPath(p) for p in out.splitlines() if (ROOT / p).is_file()]


def rooms():
    """Room -> what it may include, in the order of src/CMakeLists.txt, which is itself the order of the rooms."""
    uses, order = {}, []
    for match in re.finditer(r"^meridian_room\((\S+)([^)]*)\)", (ROOT / "src/CMakeLists.txt").read_text(), re.M):
        words = match[2].split()
        listed = words[words.index("USES") + 1:] if "USES" in words else []
        listed = listed[:listed.index("LINKS")] if "LINKS" in listed else listed
        for room in listed:
            if room not in order:
                find("src/CMakeLists.txt", 1, f"{match[1]} uses {room}, which stands below it")
        uses[match[1]] = set(listed) | {match[1]}
        order.append(match[1])
    return uses


def room_of(path, uses):
    parts = path.parts
    if parts[0] != "src" or len(parts) < 3:
        return None
    nested = "/".join(parts[1:3])
    return nested if nested in uses else parts[1]


def check_includes(path, text, uses):
    room = room_of(path, uses)
    for number, line in enumerate(text.splitlines(), 1):
        own = re.match(r'\s*#include "([^"]+)"', line)
        other = re.match(r"\s*#include <([^>]+)>", line)
        if own and room:
            target = room_of(pathlib.PurePosixPath("src") / own[1], uses)
            if target not in uses:
                find(path, number, f"include from src/, with the room's name: {own[1]}")
            elif target not in uses[room]:
                find(path, number, f"room {room} may not use {target} (src/CMakeLists.txt)")
        for pattern, allowed in KEPT_IN if other else []:
            if re.search(pattern, other[1]) and not re.search(allowed, str(path)):
                find(path, number, f"<{other[1]}> stays in {allowed}")


def check_functions(path, text):
    """A function's body runs from a line that ends with '{' at the left margin (or inside a class) to its closing brace."""
    start, name = None, ""
    for number, line in enumerate(text.splitlines(), 1):
        if start is None and re.match(r"^[A-Za-z].*\)[^;]*\{$", line):
            start, name = number, line.strip()
        elif start is not None and line == "}":
            if number - start > FUNCTION_MAX:
                find(path, start, f"{number - start} lines in one function (at most {FUNCTION_MAX}): {name[:60]}")
            start = None


def main():
    uses = rooms()
    for path in tracked():
        if path.suffix not in SOURCE | {".py", ".mjs", ".cmake", ".html", ".sh"} and path.name != "CMakeLists.txt":
            continue
        if str(path) == "tools/tidy/check.py":
            continue
        text = (ROOT / path).read_text()
        for number, line in enumerate(text.splitlines(), 1):
            if WORDS.search(line):
                find(path, number, f"may not stay: {WORDS.search(line)[0]}")
        if path.suffix in SOURCE:
            check_includes(path, text, uses)
            check_functions(path, text)
            if len(text.splitlines()) > LINES_MAX:
                find(path, 1, f"{len(text.splitlines())} lines; at most {LINES_MAX}: find the noun that is missing")
            if path.suffix == ".h" and "#pragma once" not in text:
                find(path, 1, "a header says #pragma once")
    for room in uses:
        if not (ROOT / "src" / room / "README.md").exists():
            find(f"src/{room}", 1, "a room has a README.md")
    print("\n".join(findings) or "the house is in order")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
