"""The public log and the receipts as strangers read them: Go's packages for signed notes and transparency logs, and JOSE libraries."""
import base64
import functools
import hashlib
import http.server
import json
import os
import pathlib
import subprocess
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from joserfc import jws
from joserfc.jwk import KeySet
from support.meridian import Meridian, until
from support.witness import Witness

HERE = pathlib.Path(__file__).parent
LEAVES = 300  # a full tile, and one level above it


def log(*arguments):
    done = subprocess.run([os.environ["MERIDIAN_LOG_CLIENT"], *map(str, arguments)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def checkpoint_of(url):
    with urllib.request.urlopen(url + "checkpoint") as answer:
        return int(answer.read().split(b"\n")[1])


@pytest.fixture(scope="module")
def full_log(meridian):
    """The prefix of a log with more leaves than a tile has."""
    def run(_):
        status, headers, body = meridian.chat(max_tokens=1)
        assert status == 200, body
        return headers["X-Meridian-Receipt"]

    prefix = meridian.url + "/meridian/v1/log/fr-par-1/"
    with ThreadPoolExecutor(4) as workers:
        receipts = list(workers.map(run, range(max(1, LEAVES - checkpoint_of(prefix)))))
    # A receipt's proof waits for the checkpoint over it.
    return prefix, receipts[-1], meridian.get(f"/meridian/v1/receipts/{receipts[-1]}")


def test_go_verifies_checkpoint_tiles_and_proofs(full_log):
    found = log(full_log[0])
    assert found["origin"].startswith("meridian/fr-par-1/") and found["size"] >= LEAVES
    assert found["leaves"] >= 60 and found["inclusions"] >= 60 and found["consistency"] >= 30
    assert found["rejected"] > 100_000


def test_go_verifies_a_receipt(full_log, tmp_path):
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps(full_log[2]))
    found = log("-receipt", path)
    assert found["inclusions"] == 1 and found["rejected"] == 8 * len(base64.b64decode(full_log[2]["leaf"]))


def test_go_verifies_the_files_of_an_export(full_log, meridian, tmp_path):
    size = meridian.json("log", "export", str(tmp_path / "out"))["size"]
    assert size >= LEAVES
    assert (tmp_path / "out" / "tile" / "0" / "000").stat().st_mode & 0o777 == 0o644
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=tmp_path / "out")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = log("-files", f"http://127.0.0.1:{server.server_port}/")
        server.shutdown()
    assert found["size"] == size and found["leaves"] >= 60 and found["rejected"] > 10_000


def test_go_verifies_cosignatures(meridian, tmp_path):
    running = Meridian(tmp_path / "data").start()
    prefix = running.url + "/meridian/v1/log/fr-par-1/"
    with urllib.request.urlopen(prefix + "key") as answer:
        key = answer.read().decode().strip()
    running.stop()
    with Witness(tmp_path / "w", [key], "example.org/witness") as witness:
        running.arguments += ["--witness", witness.place, "--witness-every", "1"]
        running.start()
        running.add_tiny("answer", "tiny")
        assert running.chat(max_tokens=1)[0] == 200

        def cosigned():
            done = subprocess.run([os.environ["MERIDIAN_LOG_CLIENT"], "-witness", witness.key, "-checkpoint", "witnessed", prefix],
                                  capture_output=True, text=True, timeout=60)
            return done.returncode == 0 and json.loads(done.stdout)

        found = until(lambda: (found := cosigned()) and found["size"] >= 1 and found, "the witness signs the run")
        assert found["cosigned"] == 1 and found["rejected"] > 2000
        # The witness serves the same to those who ask it.
        origin = hashlib.sha256(found["origin"].encode()).hexdigest()
        with urllib.request.urlopen(f"{witness.url}/{origin}/checkpoint") as answer:
            assert int(answer.read().split(b"\n")[1]) >= 1
        running.stop()


def tokens_of(meridian, receipt):
    status, headers, token = meridian.call("GET", f"/meridian/v1/receipts/{receipt}", headers={"Accept": "application/jose"})
    assert status == 200 and headers["Content-Type"] == "application/jose"
    return token.decode()


def jwks_of(prefix):
    with urllib.request.urlopen(prefix + "jwks") as answer:
        assert answer.headers["Content-Type"] == "application/jwk-set+json"
        return json.loads(answer.read())


def test_a_python_library_verifies_a_receipt(full_log, meridian):
    prefix, receipt, file = full_log
    keys = KeySet.import_key_set(jwks_of(prefix))
    token = tokens_of(meridian, receipt)

    def leaf_of(text):
        return jws.deserialize_compact(text, keys, algorithms=["EdDSA"]).payload

    assert leaf_of(token) == base64.b64decode(file["leaf"])
    assert json.loads(leaf_of(token))["id"] == receipt
    parts = [base64.urlsafe_b64decode(part + "==") for part in token.split(".")]
    for which, part in enumerate(parts):
        for bit in range(len(part) * 8):
            changed = bytearray(part)
            changed[bit // 8] ^= 1 << bit % 8
            text = ".".join(base64.urlsafe_b64encode(bytes(changed) if i == which else p).decode().rstrip("=") for i, p in enumerate(parts))
            try:
                leaf_of(text)
            except Exception:  # whatever the library has to say of it
                continue
            raise AssertionError(f"part {which} with bit {bit} changed was accepted")


def test_a_node_library_verifies_a_receipt(full_log, meridian, tmp_path):
    prefix, receipt, file = full_log
    node = pathlib.Path(os.environ["MERIDIAN_CLIENTS"]) / "node"
    script = tmp_path / "jose.mjs"
    script.write_text((HERE / "jose.mjs").read_text())
    (tmp_path / "node_modules").symlink_to(node / "node_modules")
    asked = json.dumps({"jwks": jwks_of(prefix), "tokens": [tokens_of(meridian, receipt)]})
    done = subprocess.run([node / "bin" / "node", script], input=asked, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["leaves"] == [file["leaf"]] and said["rejected"] > 5000
