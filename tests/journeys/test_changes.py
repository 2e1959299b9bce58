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


def changes(meridian, **filters):
    return meridian.get("/meridian/v1/changes?page_size=1000" + "".join(f"&{name}={value}" for name, value in filters.items()))["changes"]


def test_what_the_operator_does_offline_is_told_by_the_next_start(fresh):
    place = ("declare", "--place", "Paris, FR", "--jurisdiction", "FR", "--operator", "Tests")
    fresh.cli(*place, "--carbon", "56")
    fresh.start()
    fresh.stop()
    fresh.cli(*place, "--carbon", "40", "--watts", "100")
    key = fresh.json("log", "rotate-key")["verifier_key"]
    fresh.start()
    second, first = changes(fresh, operation="DeclareZone")
    assert first["details"]["carbon_grams_per_kwh"] == 56 and second["details"]["carbon_grams_per_kwh"] == 40
    assert second["details"]["operator"] == "Tests" and second["before"] == first["after"] and first["before"] is None
    rotated, = changes(fresh, operation="RotateLogKey")
    assert rotated["details"]["to"] == key and rotated["details"]["lost"] == 0
    fresh.stop()
    fresh.start()
    assert len(changes(fresh, resource_type="zones")) == 2 and len(changes(fresh, resource_type="logs")) == 1, "once each"
    file = fresh.data.parent / "rotated.json"
    file.write_text(fresh.cli("changes", "show", rotated["id"]).stdout)
    assert fresh.cli("verify", str(file), "--key", key).returncode == 0


def test_refused_changes_are_in_the_log_and_do_not_fill_it(fresh):
    fresh.start()
    status, _, answer = fresh.call("POST", "/iam/v1alpha1/api-keys", {"role": "observer", "description": "looks on"})
    assert status == 200, answer
    observer = json.loads(answer)
    admin, fresh.secret = fresh.secret, observer["secret_key"]
    assert fresh.call("DELETE", "/meridian/v1/models/tiny")[0] == 403
    for _ in range(40):
        assert fresh.call("POST", "/iam/v1alpha1/api-keys", {"description": "not allowed"})[0] == 403
    refused = until(lambda: (found := changes(fresh, outcome="refused")) and len(found) == 10 and found, "ten of them are told")
    assert refused[-1]["operation"] == "RemoveModel" and refused[-1]["resource"] == "tiny" and refused[-1]["status"] == 403
    assert {c["api_key"] for c in refused} == {observer["access_key"]} and {c["address"] for c in refused} == {"127.0.0.1"}
    fresh.stop()
    fresh.start()
    counted = changes(fresh, outcome="refused")
    assert len(counted) == 11 and counted[0]["details"]["more"] == 31, "a clean stop counts the others"
    fresh.secret = admin
    trail = fresh.get("/audit-trail/v1alpha1/regions/fr-par/events?status=403")["events"]
    assert [e["status_code"] for e in trail] == [403] * 11
