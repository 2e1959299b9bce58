"""What the programs of a staged tree need from Debian: shared libraries, the packages that own them, and those packages' licences."""
import functools
import hashlib
import os
import pathlib
import re
import subprocess


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def programs(tree):
    return sorted(path for path in (pathlib.Path(tree) / "usr/lib/meridian").iterdir() if path.is_file())


@functools.cache
def needed_by(program):
    """{name as the loader asks for it: real path}; the loader itself stands under its whole path."""
    found = {}
    for line in output("ldd", str(program)).splitlines():
        if "not found" in line:
            raise SystemExit(f"{program.name} lacks a library here: {line.strip()}")
        if named := re.match(r"\s*(\S+) => (/\S+) \(0x", line) or re.match(r"\s*(/\S+)() \(0x", line):
            name, path = named.groups()
            found[name] = pathlib.Path(os.path.realpath(path or name))
    return dict(sorted(found.items()))


def needed(tree):
    return {name: path for program in programs(tree) for name, path in needed_by(program).items()}


@functools.cache
def owners(paths):
    """The Debian package of each file, in one question, since dpkg reads all its lists for each. /usr is merged, and a package may list either name."""
    names = [name for path in paths for name in (str(path), str(path).removeprefix("/usr"))]
    said = subprocess.run(["dpkg", "-S", *names], capture_output=True, text=True).stdout
    found = {}
    for line in said.splitlines():
        package, _, name = line.rpartition(": ")
        found["/usr" + name.removeprefix("/usr")] = package.split(",")[0]
    for path in paths:
        if str(path) not in found:
            raise SystemExit(f"{path} belongs to no Debian package: a package for others cannot depend on it")
    return found


@functools.cache
def version(package):
    return output("dpkg-query", "-W", "-f=${Version}", package)


def plain(package):
    return package.split(":")[0]


def copyright_file(package):
    return pathlib.Path("/usr/share/doc") / plain(package) / "copyright"


def digest(path, kind="sha256"):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()
