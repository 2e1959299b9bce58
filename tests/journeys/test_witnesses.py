"""A log and its witnesses over its whole life: cosigned, restored from an old backup, continued under another key."""
import json
import subprocess
import urllib.error
import urllib.request

from support.meridian import BINARY, Meridian, until
from support.witness import Witness


def read(running, what):
    with urllib.request.urlopen(f"{running.url}/meridian/v1/log/fr-par-1/{what}") as answer:
        return answer.read().decode()


def size_of(note):
    return int(note.split("\n")[1])


def witnessed(running):
    try:
        return read(running, "witnessed")
    except urllib.error.HTTPError as error:
        assert error.code == 404
        return ""


def run(running):
    """One answer's receipt; the model may be on its way after a start."""
    def answered():
        status, headers, _ = running.chat(max_tokens=1)
        return headers["X-Meridian-Receipt"] if status == 200 else None

    return until(answered, "the model answers")


def save(running, receipt, path):
    path.write_text(json.dumps(running.get(f"/meridian/v1/receipts/{receipt}")))
    return path


def verify(path, *arguments):
    done = subprocess.run([BINARY, "verify", str(path), *arguments], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout


def test_a_restored_log_does_not_fork_and_a_new_key_continues_it(tmp_path):
    first = Meridian(tmp_path / "first")
    first.start()
    first.add_tiny("answer", "tiny")
    key = read(first, "key").strip()
    first.stop()
    with Witness(tmp_path / "w1", [key], "example.org/w1") as one, Witness(tmp_path / "w2", [key], "example.org/w2") as two:
        places = ["--witness", one.place, "--witness", two.place, "--witness-every", "1"]
        first.arguments += places
        first.start()
        kept = save(first, run(first), tmp_path / "kept.json")
        first.cli("backup", str(tmp_path / "backup"))
        lost = save(first, run(first), tmp_path / "lost.json")
        last = json.loads(lost.read_text())["index"]
        until(lambda: size_of(witnessed(first) or "\n0\n") > last and all(w.name in witnessed(first) for w in (one, two)), "both witnesses sign")
        first.stop()

        # An older copy beside what witnesses have seen is not continued.
        second = Meridian(tmp_path / "second", arguments=places)
        second.cli("restore", str(tmp_path / "backup"))
        done = subprocess.run([BINARY, "up", "--data", str(second.data), "--listen", "127.0.0.1:0", *places], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "--after-loss" in done.stderr, done.stderr

        # Unless its operator gives up what is missing: then it is another log, which says so.
        newer = second.json("log", "rotate-key", "--after-loss")["verifier_key"]
        assert newer != key
        second.secret = first.secret
        second.start()
        after = save(second, run(second), tmp_path / "after.json")
        chain = tmp_path / "chain.json"
        chain.write_text(read(second, "chain"))
        told = [c for c in second.get("/meridian/v1/changes")["changes"] if c["operation"] == "RotateLogKeyAfterLoss"]
        assert [c["details"]["to"] for c in told] == [newer] and told[0]["details"]["lost"] > 0
        second.stop()

    ledger = second.data / "zones" / "fr-par-1" / "ledger"
    for trusted in key, newer:
        code, said = verify(ledger, "--key", trusted)
        assert code == 0 and "were lost" in said, said
    assert verify(kept, "--key", key)[0] == 0 and verify(lost, "--key", key)[0] == 0
    assert verify(after, "--key", key)[0] == 1
    for path, trusted in (after, key), (kept, newer):
        code, said = verify(path, "--key", trusted, "--chain", str(chain))
        assert code == 0, said
    assert one.process.returncode == 0 and two.process.returncode == 0
