#!/usr/bin/python3
"""The bill of materials (SPDX 2.3): our program, llama-server, and every library they load, with the Debian package it comes from.

Usage: sbom.py TREE LLAMA VERSION ARCH FILE. The same inputs give the same bytes.
"""
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import uuid

import libraries

HERE = pathlib.Path(__file__).resolve().parent
UNKNOWN = "NOASSERTION"

# Debian's short names for licences, as SPDX spells them. What is not here is not asserted.
SPDX = {
    "Apache-2.0": "Apache-2.0", "BSD-2-Clause": "BSD-2-Clause", "BSD-3-Clause": "BSD-3-Clause", "BSD-3-clause": "BSD-3-Clause", "BSL-1.0": "BSL-1.0",
    "CC0-1.0": "CC0-1.0", "Expat": "MIT", "MIT": "MIT", "GPL-2": "GPL-2.0-only", "GPL-2+": "GPL-2.0-or-later", "LGPL-2.1": "LGPL-2.1-only",
    "LGPL-2.1+": "LGPL-2.1-or-later", "MPL-2.0": "MPL-2.0", "Zlib": "Zlib", "zlib": "Zlib",
}


def licence(package):
    """Of the stanza that speaks for the whole package in a machine-readable copyright file: (as SPDX, as Debian wrote it)."""
    text = libraries.copyright_file(package).read_text(errors="replace")
    if not text.startswith("Format:"):
        return UNKNOWN, None
    for stanza in re.split(r"\n\s*\n", text):
        if re.search(r"^Files: *\*\s*$", stanza, re.M) and (said := re.search(r"^License: *(\S.*?)\s*$", stanza, re.M)):
            words = re.split(r" (or|and) ", said[1])
            names = [word.upper() if at % 2 else SPDX.get(word) for at, word in enumerate(words)]
            return (" ".join(names) if all(names) else UNKNOWN), said[1]
    return UNKNOWN, None


def spdx_id(*words):
    return "SPDXRef-" + "-".join(re.sub(r"[^A-Za-z0-9.]+", "-", word).strip("-") for word in words)


def package(name, version, **more):
    return {"SPDXID": spdx_id("Package", name), "name": name, "versionInfo": version, "downloadLocation": UNKNOWN, "filesAnalyzed": False,
            "licenseConcluded": UNKNOWN, "licenseDeclared": UNKNOWN, "copyrightText": UNKNOWN, "supplier": UNKNOWN, **more}


def purl(text):
    return {"externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": text}]}


def debian(owner, arch):
    name, version = libraries.plain(owner), libraries.version(owner)
    declared, said = licence(owner)
    more = {"comment": f"/usr/share/doc/{name}/copyright says: {said}"} if said else {}
    return package(name, version, licenseDeclared=declared, supplier="Organization: Debian", **more,
                   **purl(f"pkg:deb/debian/{name}@{version.replace('+', '%2B').replace(':', '%3A')}?arch={arch}&distro=debian-12"))


def checksums(path):
    return {"checksums": [{"algorithm": kind.upper(), "checksumValue": libraries.digest(path, kind)} for kind in ("sha1", "sha256")]}


def llama_package(llama):
    """What the binary says of itself; the digest of its source only where it was built from the pinned one."""
    said = subprocess.run([llama, "--version"], capture_output=True, text=True)
    built = re.search(r"^version: (.+)$", said.stdout + said.stderr, re.M)
    version = built[1] if built else UNKNOWN
    more = {}
    for line in (HERE.parent / "tools/setup/artifacts.tsv").read_text().splitlines():
        name, *rest = line.split("\t")
        if name == "llama-cpp" and version.endswith(f"{rest[1]}-{rest[2]})"):
            more = {**purl(f"pkg:pypi/{rest[1]}@{rest[2]}"), "sourceInfo": f"built from the vendored llama.cpp of {rest[1]} {rest[2]}, sdist SHA-256 {rest[4]}"}
    digest = libraries.digest(llama)
    return package("llama.cpp", version, licenseDeclared="MIT", packageFileName="usr/lib/meridian/llama-server",
                   comment=f"built for the processor of its builder; SHA-256 before packaging {digest}", **more)


def build_dependencies(arch):
    """The development packages of the set-up, as installed here: much of Boost and CLI11 is compiled into our program from headers."""
    for line in (HERE.parent / "tools/setup/packages.txt").read_text().splitlines():
        kind, _, name = line.partition(" ")
        if kind == "build" and name.startswith("lib") and name.endswith("-dev"):
            if subprocess.run(["dpkg-query", "-W", name], capture_output=True).returncode == 0:
                yield debian(name, arch)


def document(tree, llama, version, arch):
    tree = pathlib.Path(tree)
    us = package("meridian", version, licenseDeclared="Apache-2.0", packageFileName="usr/lib/meridian/meridian")
    runtime = llama_package(llama)
    packages, files, relations = {p["SPDXID"]: p for p in (us, runtime)}, [], [("SPDXRef-DOCUMENT", "DESCRIBES", us["SPDXID"])]

    def add_file(name, path, holder):
        ref = spdx_id("File", name)
        files.append({"SPDXID": ref, "fileName": name, "licenseConcluded": UNKNOWN, "copyrightText": UNKNOWN, **checksums(path)})
        relations.append((holder, "CONTAINS", ref))

    def add_package(made):
        packages.setdefault(made["SPDXID"], made)
        return made["SPDXID"]

    relations.append((us["SPDXID"], "CONTAINS", runtime["SPDXID"]))
    owners = libraries.owners(tuple(sorted(set(libraries.needed(tree).values()))))
    for program, holder in (("meridian", us), ("llama-server", runtime)):
        path = tree / "usr/lib/meridian" / program
        add_file(f"./usr/lib/meridian/{program}", path, holder["SPDXID"])
        for name, library in libraries.needed_by(path).items():
            holder_of_library = add_package(debian(owners[str(library)], arch))
            if not any(each["fileName"] == f".{library}" for each in files):
                add_file(f".{library}", library, holder_of_library)
                files[-1]["comment"] = f"loaded as {name}"
            if (link := (holder["SPDXID"], "DEPENDS_ON", holder_of_library)) not in relations:
                relations.append(link)
    relations.append((us["SPDXID"], "DEPENDS_ON", add_package(debian("ca-certificates", "all"))))
    for made in build_dependencies(arch):
        relations.append((add_package(made), "BUILD_DEPENDENCY_OF", us["SPDXID"]))

    made_at = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    content = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([files, list(packages.values())], sort_keys=True))
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"meridian-{version}-{arch}",
        "documentNamespace": f"urn:uuid:{content}",
        "creationInfo": {"created": made_at.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Organization: Meridian", "Tool: meridian-packaging"]},
        "documentDescribes": [us["SPDXID"]], "packages": list(packages.values()), "files": files,
        "relationships": [{"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b} for a, kind, b in relations],
    }


if __name__ == "__main__":
    tree, llama, version, arch, out = sys.argv[1:]
    pathlib.Path(out).write_text(json.dumps(document(tree, llama, version, arch), indent=1) + "\n")
