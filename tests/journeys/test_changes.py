"""Who changed what: in the log, with a proof that needs no server."""
import json

from support.meridian import until


def newest(meridian, operation):
    """The newest change of that name, once the log has it."""
    def found():
        return next((c for c in meridian.json("changes", "list", "--limit", "1000")["changes"] if c["operation"] == operation), None)
    return until(found, f"{operation} is in the log")


def test_a_change_proves_itself_offline(fresh, tmp_path):
    fresh.start()
    made = fresh.json("keys", "create", "--description", "for a proof")
    change = newest(fresh, "CreateAPIKey")
    assert change["resource"] == made["access_key"] and made["access_key"] in fresh.cli("changes", "list").stdout
    text = fresh.cli("changes", "show", change["id"]).stdout
    assert made["secret_key"] not in text
    fresh.stop()
    file = tmp_path / "change.json"
    file.write_text(text)
    key = (fresh.data / "zones" / "fr-par-1" / "ledger" / "key").read_text().strip()
    verdict = json.loads(fresh.cli("verify", str(file), "--key", key, "--json").stdout)
    assert verdict["good"] and change["id"] in verdict["said"] and verdict["receipts"] == 0
    for forge in (lambda d: d["event"].update(operation="DeleteAPIKey"), lambda d: d.update(index=d["index"] + 1),
                  lambda d: d.update(type="meridian-receipt/v1"), lambda d: d.update(leaf=d["leaf"][:-8] + "AAAAAAA=")):
        forged = json.loads(text)
        forge(forged)
        file.write_text(json.dumps(forged))
        assert fresh.cli("verify", str(file), check=False).returncode == 1
    fresh.start()
    assert fresh.cli("changes", "show", "00000000-0000-4000-8000-000000000000", check=False).returncode == 3
