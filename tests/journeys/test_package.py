"""The packages that `make package` makes: what lies in them, that they can be checked, and that the image serves a model under podman."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tarfile
import tempfile
import urllib.request

import pytest

from support.meridian import BINARY, models_directory, until

TOP = pathlib.Path(__file__).resolve().parents[2]
RUNTIME = os.environ["MERIDIAN_LLAMA_SERVER"]
ROOT = [] if os.getuid() == 0 else ["sudo", "-n"]
# The first --ulimit keeps runc from raising a limit that a container host may have lowered.
LIMITS = ["--ulimit", "nofile=10000:10000", "--ulimit", "nproc=1000:1000"]


def run(*command, check=True, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, **more)
    assert not check or done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout + (done.stderr if not check else "")


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The packages of the program under test, signed with a key made for an owner who had none."""
    run(TOP / "packaging/setup", "test")
    home = tmp_path_factory.mktemp("owner")
    environment = {**os.environ, "PROGRAM": BINARY, "LLAMA": RUNTIME, "OUT": str(home / "dist"), "HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
    environment.pop("MERIDIAN_SIGNING_KEY", None)
    run(TOP / "packaging/make", env=environment)
    return home / "dist"


@pytest.fixture(scope="module")
def unpacked(made, tmp_path_factory):
    out = tmp_path_factory.mktemp("unpacked")
    run("dpkg-deb", "-x", one(made, "*.deb"), out)
    return out


def one(folder, pattern):
    (found,) = folder.glob(pattern)
    return found


def test_the_deb_holds_a_program_that_finds_its_runtime(made, unpacked, tmp_path):
    version = run(unpacked / "usr/bin/meridian", "--version").split()[1]
    fields = run("dpkg-deb", "-f", one(made, "*.deb"))
    assert f"Version: {version}\n" in fields and "built for the processor" in fields
    for package in "libc6", "libssl3", "libcjose0", "adduser":
        assert re.search(rf"^Depends: .*\b{package}\b", fields, re.M), fields
    environment = {name: value for name, value in os.environ.items() if name != "MERIDIAN_LLAMA_SERVER"}
    said = run(unpacked / "usr/bin/meridian", "doctor", "--json", "--data", tmp_path / "data", check=False, env=environment)
    assert str(unpacked / "usr/lib/meridian/llama-server") in said, said
    program = (unpacked / "usr/lib/meridian/meridian").read_bytes()
    for inside in "catalog/models.yaml", "src/catalog/convert/bert.py", "src/catalog/convert/requirements.txt":
        assert (TOP / inside).read_bytes() in program, f"{inside} is not part of the program"
    assert "_meridian" in (unpacked / "usr/share/bash-completion/completions/meridian").read_text()
    for text, word in ("LICENSE", "Apache License"), ("LICENSE.llama.cpp", "MIT License"), ("copyright", "Apache-2.0"):
        assert word in (unpacked / "usr/share/doc/meridian" / text).read_text()
    owners = run("dpkg-deb", "-c", one(made, "*.deb"))
    assert all(line.split()[1] == "root/root" for line in owners.splitlines()), owners


def test_the_unit_confines_the_service_and_leaves_replicas_their_sandbox(unpacked, tmp_path):
    unit = unpacked / "lib/systemd/system/meridian.service"
    keys = dict(line.split("=", 1) for line in unit.read_text().splitlines() if "=" in line and not line.startswith("#"))
    for key, value in {"User": "meridian", "StateDirectory": "meridian", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes",
                       "PrivateTmp": "yes", "CapabilityBoundingSet": "", "RestrictNamespaces": "user mnt pid net ipc uts", "Delegate": "yes",
                       "KillMode": "process", "RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6 AF_NETLINK"}.items():
        assert keys[key] == value, key
    assert keys["EnvironmentFile"] == "-/etc/default/meridian" and (unpacked / "etc/default/meridian").exists()
    taken = {"ProtectKernelTunables", "ProtectKernelLogs", "ProtectProc", "ProcSubset", "ProtectHostname", "ProtectControlGroups", "PrivateDevices"}
    assert not taken & keys.keys()
    if shutil.which("systemd-analyze"):
        copy = tmp_path / "meridian.service"
        copy.write_text(unit.read_text().replace("/usr/bin/meridian", str(unpacked / "usr/bin/meridian")))
        said = run("systemd-analyze", "verify", "--man=no", copy, check=False)
        assert "meridian.service" not in said, said


def test_checksums_and_signature_hold_and_a_changed_byte_is_seen(made, tmp_path):
    run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=made)
    listed = {line.split()[1] for line in (made / "SHA256SUMS").read_text().splitlines()}
    assert listed == {path.name for path in made.iterdir()} - {"SHA256SUMS", "SHA256SUMS.sig", "signing.pub"}
    verify = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", made / "signing.pub", "-rawin", "-sigfile", made / "SHA256SUMS.sig", "-in"]
    assert "Verified Successfully" in run(*verify, made / "SHA256SUMS")
    forged = tmp_path / "SHA256SUMS"
    forged.write_bytes((made / "SHA256SUMS").read_bytes().replace(b"a", b"b", 1))
    assert "Verified Successfully" not in run(*verify, forged, check=False)
    key = made.parent / "config/meridian/packaging.pem"
    assert key.stat().st_mode & 0o077 == 0


def test_the_bill_of_materials_names_every_library_and_its_package(made, unpacked):
    bill = json.loads((made / "sbom.spdx.json").read_text())
    assert bill["spdxVersion"] == "SPDX-2.3"
    files = {pathlib.PurePosixPath(each["fileName"]).name: each for each in bill["files"]}
    packages = {each["SPDXID"]: each for each in bill["packages"]}
    for program in "meridian", "llama-server":
        path = unpacked / "usr/lib/meridian" / program
        assert files[program]["checksums"][1]["checksumValue"] == hashlib.sha256(path.read_bytes()).hexdigest()
        for library in re.findall(r"(/\S+) \(0x", run("ldd", path)):
            named = files[os.path.basename(os.path.realpath(library))]
            (holder,) = [packages[r["spdxElementId"]] for r in bill["relationships"]
                         if r["relationshipType"] == "CONTAINS" and r["relatedSpdxElement"] == named["SPDXID"]]
            assert holder["versionInfo"] == run("dpkg-query", "-W", "-f=${Version}\n", holder["name"]).split()[0]
    every = [bill["SPDXID"], *packages, *(each["SPDXID"] for each in bill["files"])]
    assert len(every) == len(set(every))
    assert all(r[side] in every for r in bill["relationships"] for side in ("spdxElementId", "relatedSpdxElement"))


def test_the_image_is_what_its_digests_say(made):
    with tarfile.open(one(made, "*.oci.tar")) as archive:
        read = {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}
    for name, data in read.items():
        assert not name.startswith("blobs/") or name == f"blobs/sha256/{hashlib.sha256(data).hexdigest()}"
    blob = lambda at: read["blobs/" + at["digest"].replace(":", "/")]  # noqa: E731
    manifest = json.loads(blob(json.loads(read["index.json"])["manifests"][0]))
    config = json.loads(blob(manifest["config"]))["config"]
    assert config["User"] == "10001:10001" and "8080/tcp" in config["ExposedPorts"] and "/data" in config["Volumes"]
    assert config["Entrypoint"] == ["/usr/bin/meridian"]
    assert config["Cmd"] == ["up", "--data", "/data", "--listen", "0.0.0.0:8080", "--insecure"]


class Podman:
    """podman with a store of its own. vfs leaves no mounts behind and works on every file system."""

    def __init__(self, folder):
        self.base = [*ROOT, "podman", "--root", folder / "store", "--runroot", folder / "run", "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs",
                     "--events-backend", "file", "--tmpdir", folder / "t", "--runtime", "runc"]

    def __call__(self, *words, check=True):
        return run(*self.base, *words, check=check)


@pytest.fixture
def podman(made):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mp-", dir="/tmp"))  # short: a socket's path lies below
    engine = Podman(folder)
    yield engine
    engine("rm", "--all", "--force", "--volumes", "--time", "0", check=False)
    for mount in reversed([line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines() if f"{folder}/" in line]):
        run(*ROOT, "umount", "-l", mount, check=False)
    run(*ROOT, "rm", "-rf", folder)


def test_the_image_serves_a_model_and_stops_on_a_signal(made, podman):
    image = re.search(r"Loaded image: *(\S+)", podman("load", "-i", one(made, "*.oci.tar")))[1]
    assert image.startswith("localhost/meridian:")
    podman("run", "--detach", "--name", "m", "--pull", "never", "--network", "host", "--log-driver", "k8s-file", *LIMITS, "--volume",
           f"{models_directory()}:/models:ro", image, "--json", "up", "--data", "/data", "--listen", f"127.0.0.1:{free_port()}", "--runtime-threads", "1")
    said = until(lambda: re.search(r"\{.*\}", podman("logs", "m", check=False), re.S), "the container says that it is ready")
    facts = json.loads(said[0])
    with urllib.request.urlopen(facts["url"] + "/healthz", timeout=60) as answer:
        assert answer.status == 200
    podman("exec", "m", "/usr/bin/meridian", "models", "add", "/models/answer.gguf", "--name", "tiny")
    podman("exec", "m", "/usr/bin/meridian", "deploy", "tiny", "--wait")
    request = urllib.request.Request(facts["url"] + "/v1/chat/completions", headers={"Authorization": f"Bearer {facts['secret_key']}", "Content-Type": "application/json"},
                                     data=json.dumps({"model": "tiny", "max_tokens": 4, "messages": [{"role": "user", "content": "hello"}]}).encode())
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert json.load(answer)["usage"]["completion_tokens"] > 0
    assert podman("inspect", "--format", "{{.Config.User}}", "m").strip() == "10001:10001"
    podman("kill", "--signal", "TERM", "m")
    assert podman("wait", "m").strip() == "0"
