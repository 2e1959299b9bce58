"""What goes wrong, and how it is said: each row is a bad day with its message."""
import concurrent.futures
import json
import os
import socket
import subprocess

import pytest

from support.meridian import BINARY, Meridian, models_directory, until
from support.tiny_gguf import SENTENCE


def error_of(body):
    return json.loads(body)["error"]


@pytest.mark.parametrize("raw, words", [
    (b"{", "not valid JSON"),
    (b"", "not valid JSON"),
    (b"[1]", "must be a JSON object"),
    (b"[" * 500 + b"]" * 500, "not valid JSON"),
    (b'{"model": "tiny", "messages": [{"role": "user", "content": "\xff\xfe"}]}', "not valid JSON"),
    (b'{"model": 7, "messages": []}', "must be a text"),
])
def test_malformed_bodies_are_400_with_a_sentence(meridian, raw, words):
    status, headers, body = meridian.call("POST", "/v1/chat/completions", raw=raw)
    assert status == 400 and words in error_of(body)["message"], body
    assert headers["x-request-id"]


def test_a_100_mb_body_is_refused_before_it_is_read(meridian):
    host, port = meridian.listen.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {meridian.secret}\r\nContent-Length: 104857600\r\n\r\n".encode())
        answer = connection.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 413"), answer
    assert "error" in answer


def test_unknown_paths_and_methods_answer_in_the_dialect(meridian):
    status, _, body = meridian.call("GET", "/v1/nothing")
    assert status == 404 and error_of(body)["message"]
    status, _, body = meridian.call("GET", "/inference/v1/nothing")
    assert status == 404 and json.loads(body)["type"]
    status, headers, _ = meridian.call("DELETE", "/v1/models")
    assert status == 405 and "GET" in headers["Allow"]


def test_a_model_that_does_not_chat_says_so(meridian):
    status, _, body = meridian.chat(model="vectors")
    assert status == 400 and error_of(body)["code"] == "unsupported_model"


def test_a_taken_port_is_named(meridian, tmp_path):
    done = subprocess.run([BINARY, "up", "--data", str(tmp_path / "other"), "--listen", meridian.listen], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "is taken by another program" in done.stderr


def test_a_data_directory_in_use_is_named(meridian):
    done = subprocess.run([BINARY, "up", "--data", str(meridian.data), "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "in use by another Meridian" in done.stderr


def test_listening_to_the_world_needs_tls_or_a_word(tmp_path):
    done = subprocess.run([BINARY, "up", "--data", str(tmp_path / "d"), "--listen", "0.0.0.0:0"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "--tls-cert" in done.stderr


def test_a_corrupt_database_is_refused_with_advice(fresh):
    fresh.start()
    fresh.stop()
    database = fresh.data / "control" / "meridian.db"
    raw = bytearray(database.read_bytes())
    raw[:4096] = b"\xde\xad\xbe\xef" * 1024
    database.write_bytes(raw)
    done = subprocess.run([BINARY, "up", "--data", str(fresh.data), "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "restore" in done.stderr, done.stderr


def test_a_changed_ledger_is_refused(fresh):
    fresh.start()
    fresh.add_tiny("answer", "tiny")
    for _ in range(3):
        assert fresh.chat()[0] == 200
    fresh.stop()
    segment = sorted((fresh.data / "zones" / "fr-par-1" / "ledger").glob("*.seg"))[0]
    raw = bytearray(segment.read_bytes())
    at = raw.find(b'"outcome"')
    raw[at + 12] ^= 1
    segment.write_bytes(raw)
    done = subprocess.run([BINARY, "up", "--data", str(fresh.data), "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and segment.name in done.stderr, done.stderr
    assert fresh.cli("verify", str(segment.parent), check=False).returncode == 1


def test_a_file_that_is_no_model_is_refused(meridian, tmp_path):
    path = tmp_path / "fake.gguf"
    path.write_bytes(b"GGUF" + b"\0" * 100)
    done = meridian.cli("models", "add", str(path), "--name", "fake", check=False)
    assert done.returncode == 1 and done.stderr.strip()


def test_a_rotten_artifact_is_refused_at_deploy(fresh):
    fresh.start()
    fresh.cli("models", "add", str(models_directory() / "answer.gguf"), "--name", "tiny")
    stored = next(p for p in (fresh.data / "zones" / "fr-par-1" / "artifacts").rglob("*") if p.is_file() and p.stat().st_size > 1_000_000)
    with open(stored, "r+b") as file:
        file.seek(500_000)
        file.write(b"rotten")
    done = fresh.cli("deploy", "tiny", "--wait", check=False)
    assert done.returncode == 1 and "digest" in done.stderr, done.stderr


def test_a_replica_killed_mid_stream_ends_with_an_error_and_comes_back(fresh):
    fresh.start()
    fresh.add_tiny("loop", "endless")
    body = json.dumps({"model": "endless", "stream": True, "max_tokens": 1_000_000, "messages": [{"role": "user", "content": "x"}]}).encode()
    host, port = fresh.listen.split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {fresh.secret}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        received = connection.recv(65536)
        runtime = subprocess.run(["pgrep", "-f", "llama-server.*" + str(fresh.data)], capture_output=True, text=True).stdout.split()
        assert runtime, "the runtime is running"
        for pid in runtime:
            os.kill(int(pid), 9)
        while piece := connection.recv(1 << 20):
            received = received[-4096:] + piece
            if received.endswith(b"0\r\n\r\n"):
                break
    assert b'"error"' in received[-4096:]
    until(lambda: fresh.chat(model="endless", max_tokens=2)[0] == 200, "the replica is restarted")
    outcomes = [r["outcome"] for r in fresh.get("/meridian/v1/receipts?page_size=50")["receipts"]]
    assert "failed" in outcomes


def test_a_full_disk_refuses_new_runs_and_recovers(fresh, tmp_path):
    image = tmp_path / "small"
    image.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(image)], capture_output=True).returncode != 0:
        pytest.fail("this test needs the right to mount a tmpfs (run it as root)")
    small = Meridian(image / "data")
    try:
        small.start()
        small.add_tiny("answer", "tiny")
        assert small.chat()[0] == 200
        filler = image / "filler"
        with open(filler, "wb", buffering=0) as file:  # what a buffer holds back would fail once more at the end
            try:
                while True:
                    file.write(b"\0" * 65536)
            except OSError:
                pass

        def refused():
            # The ledger keeps room ahead for about a thousand runs: use it up in bursts.
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                answers = list(pool.map(lambda _: small.chat(max_tokens=1), range(64)))
            assert {status for status, _, _ in answers} <= {200, 503}
            return any(status == 503 and "disk is full" in error_of(body)["message"].lower() for status, _, body in answers)

        until(refused, "the ledger's reserve is used up and runs are refused with a sentence")
        filler.unlink()
        until(lambda: small.chat()[0] == 200, "runs are accepted again")
        small.stop()
        assert json.loads(small.cli("verify", str(small.data / "zones" / "fr-par-1" / "ledger"), "--json").stdout)["good"]
    finally:
        small.stop()
        subprocess.run(["umount", "-l", str(image)])


def test_a_read_only_data_directory_says_so(tmp_path):
    (tmp_path / "ro").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(tmp_path / "ro")], check=True)
    try:
        done = subprocess.run([BINARY, "up", "--data", str(tmp_path / "ro" / "data"), "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "Read-only" in done.stderr
    finally:
        subprocess.run(["umount", "-l", str(tmp_path / "ro")])


def test_the_sentence_is_whole_after_all_that(meridian):
    status, _, body = meridian.chat()
    assert status == 200 and json.loads(body)["choices"][0]["message"]["content"] == SENTENCE
