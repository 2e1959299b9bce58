#!/usr/bin/python3
"""The OCI image archive, written as it is specified: one layer, a config, a manifest, an index. No engine, no registry.

Usage: image.py TREE VERSION ARCH FILE. The same inputs give the same bytes: sorted names, one time, no owner but the image's own.
The layer holds the staged tree, the libraries it loads with their copyright files, CA certificates and a user; no shell, no Python.
"""
import datetime
import gzip
import hashlib
import io
import json
import os
import pathlib
import sys
import tarfile

import libraries

USER = 10001  # above every user that Debian hands out, so that it means nobody on the host
EPOCH = int(os.environ["SOURCE_DATE_EPOCH"])
ETC = {
    "etc/passwd": f"root:x:0:0:root:/root:/usr/sbin/nologin\nmeridian:x:{USER}:{USER}:Meridian:/data:/usr/sbin/nologin\n",
    "etc/group": f"root:x:0:\nmeridian:x:{USER}:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}


class Layer:
    """The files of an image by name; folders above them come by themselves."""

    def __init__(self):
        self.entries = {}

    def add(self, name, kind=tarfile.REGTYPE, mode=0o644, data=b"", link="", user=0):
        for parent in reversed(pathlib.PurePosixPath(name).parents[:-1]):
            if str(parent) not in self.entries:
                self.add(str(parent), tarfile.DIRTYPE, 0o755)
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.size, info.linkname, info.mtime = kind, mode, len(data), link, EPOCH
        info.uid = info.gid = user
        self.entries[name] = (info, data)

    def folder(self, name, mode=0o755, user=0):
        self.add(name, tarfile.DIRTYPE, mode, user=user)

    def file(self, name, path):
        path = pathlib.Path(path)
        self.add(name, mode=0o755 if os.access(path, os.X_OK) else 0o644, data=path.read_bytes())

    def link(self, name, to):
        self.add(name, tarfile.SYMTYPE, 0o777, link=to)

    def tar(self):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
            for name in sorted(self.entries):
                info, data = self.entries[name]
                archive.addfile(info, io.BytesIO(data))
        return out.getvalue()


def add_libraries(layer, tree):
    for name in "bin", "lib", "lib64", "sbin":
        layer.link(name, f"usr/{name}")  # as Debian lays it out: the loader's path begins with /lib64
        layer.folder(f"usr/{name}")
    needed = libraries.needed(tree)
    packages = {"ca-certificates", "tzdata", *libraries.owners(tuple(sorted(set(needed.values())))).values()}
    for name, path in needed.items():
        place = str(path).lstrip("/")
        layer.file(place, path)
        if name.startswith("/"):
            asked = "usr" + name
            if asked != str(path):
                layer.link(asked.lstrip("/"), str(path))
        elif name != path.name:
            layer.link(f"{pathlib.PurePosixPath(place).parent}/{name}", path.name)
    for package in sorted(packages):
        layer.file(f"usr/share/doc/{libraries.plain(package)}/copyright", libraries.copyright_file(package))


def add_certificates(layer):
    """The distribution's own authorities: what the builder's administrator trusts besides is not for others."""
    every = sorted(pathlib.Path("/usr/share/ca-certificates/mozilla").glob("*.crt"))
    layer.add("etc/ssl/certs/ca-certificates.crt", data=b"".join(path.read_bytes().rstrip() + b"\n" for path in every))
    layer.link("usr/lib/ssl/certs", "/etc/ssl/certs")
    layer.link("usr/lib/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt")


def add_time_zones(layer):
    root = pathlib.Path("/usr/share/zoneinfo")
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root)
        if inside.parts[0] in ("posix", "right") or path.is_dir():
            continue
        if path.is_symlink() and not os.readlink(path).startswith("/"):
            layer.link(f"usr/share/zoneinfo/{inside}", os.readlink(path))
        else:
            layer.file(f"usr/share/zoneinfo/{inside}", path)


def root_file_system(tree):
    layer = Layer()
    for path in sorted(pathlib.Path(tree).rglob("*")):
        name = str(path.relative_to(tree))
        if path.is_symlink():
            layer.link(name, os.readlink(path))
        elif path.is_file():
            layer.file(name, path)
    add_libraries(layer, tree)
    add_certificates(layer)
    add_time_zones(layer)
    for name, text in ETC.items():
        layer.add(name, data=text.encode())
    layer.folder("tmp", 0o1777)
    layer.folder("data", 0o700, USER)
    for name in "dev", "proc", "sys", "run":
        layer.folder(name)
    return layer.tar()


def config(version, arch, diff_id):
    made_at = datetime.datetime.fromtimestamp(EPOCH, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "created": made_at, "architecture": arch, "os": "linux",
        "config": {
            "User": f"{USER}:{USER}", "ExposedPorts": {"8080/tcp": {}}, "Volumes": {"/data": {}}, "WorkingDir": "/data", "StopSignal": "SIGTERM",
            "Env": ["PATH=/usr/bin", "HOME=/data", "MERIDIAN_DATA=/data"],
            "Entrypoint": ["/usr/bin/meridian"], "Cmd": ["up", "--data", "/data", "--listen", "0.0.0.0:8080", "--insecure"],
            "Labels": {"org.opencontainers.image.title": "meridian", "org.opencontainers.image.version": version,
                       "org.opencontainers.image.licenses": "Apache-2.0"},
        },
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        "history": [{"created": made_at, "created_by": "packaging/image.py"}],
    }


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def archive(tree, version, arch):
    blobs = {}

    def blob(kind, data):
        blobs[sha256(data)] = data
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": sha256(data), "size": len(data)}

    def text(value):
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()

    layer = root_file_system(tree)
    layer_blob = blob("layer.v1.tar+gzip", gzip.compress(layer, 6, mtime=0))
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": blob("config.v1+json", text(config(version, arch, sha256(layer)))), "layers": [layer_blob]}
    described = blob("manifest.v1+json", text(manifest))
    described["platform"] = {"architecture": arch, "os": "linux"}
    described["annotations"] = {"org.opencontainers.image.ref.name": f"localhost/meridian:{version}"}
    out = Layer()
    out.add("oci-layout", data=text({"imageLayoutVersion": "1.0.0"}))
    out.add("index.json", data=text({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [described]}))
    for name, data in blobs.items():
        out.add("blobs/" + name.replace(":", "/"), data=data)
    return out.tar()


if __name__ == "__main__":
    tree, version, arch, out = sys.argv[1:]
    pathlib.Path(out).write_bytes(archive(tree, version, arch))
