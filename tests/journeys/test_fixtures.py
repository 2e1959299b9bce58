"""What earlier releases left behind (tests/fixtures, made by support/make_fixture.py) opens, proves itself and answers as it did then."""
import json
import pathlib
import tarfile

import pytest
from scaleway_qaas_client.v1alpha1 import QaaSClient

from support.meridian import Meridian, until

FIXTURES = sorted((pathlib.Path(__file__).parent.parent / "fixtures").glob("*.tar.gz"))


def missing(then, now, at=""):
    """What an answer had and has no longer, or has in another type; lists are compared by their first elements."""
    if isinstance(then, dict):
        if not isinstance(now, dict):
            return [at]
        return [gap for key, value in then.items() for gap in (missing(value, now[key], f"{at}.{key}") if key in now else [f"{at}.{key}"])]
    if isinstance(then, list):
        return [at] if not isinstance(now, list) else missing(then[0], now[0], at + "[0]") if then and now else []
    if then is None or now is None:
        return []
    return [] if type(then) is type(now) else [at]


@pytest.fixture(params=FIXTURES, ids=lambda path: path.name.removesuffix(".tar.gz"))
def installation(request, tmp_path):
    with tarfile.open(request.param) as packed:
        packed.extractall(tmp_path)
    running = Meridian(tmp_path / "data", arguments=("--quantum-keep-days", "36500"))  # however old the release is
    running.past = json.loads((tmp_path / "facts.json").read_text())
    running.secret = running.past["secret_key"]
    yield running
    running.stop()


def test_there_is_a_fixture():
    assert FIXTURES


def test_an_earlier_installation_opens_and_answers_as_it_did(installation, tmp_path):
    past = installation.past
    ledger = installation.data / "zones" / "fr-par-1" / "ledger"
    assert json.loads(installation.cli("verify", str(ledger), "--json").stdout)["good"], "before anything touched it"
    assert installation.cli("verify", str(tmp_path / "receipt.json")).returncode == 0
    installation.start()
    assert installation.facts["secret_key"] is None, "it is not taken for a new one"
    until(lambda: installation.chat()[0] == 200, "the deployment is back")
    for one in past["recorded"]:
        status, _, text = installation.call(one["method"], one["path"], one["body"])
        assert status == one["status"], (one["path"], text)
        now = json.loads(text) if isinstance(one["answer"], dict) else text.decode()
        assert missing(one["answer"], now) == [], one["path"]
        if one["method"] == "POST" and status == 200:
            assert now["choices"] == one["answer"]["choices"] and now["usage"]["completion_tokens"] == one["answer"]["usage"]["completion_tokens"]
        elif isinstance(now, str) or "error" in now:
            assert now == one["answer"]


def test_receipts_and_results_of_an_earlier_release_are_all_there(installation):
    past = installation.past
    installation.start()
    [listed] = [one["answer"]["receipts"] for one in past["recorded"] if one["path"].startswith("/meridian/v1/receipts")]
    now = {r["id"]: r for r in installation.get("/meridian/v1/receipts?page_size=100")["receipts"]}
    for receipt in listed:
        assert missing(receipt, now[receipt["id"]]) == []
        assert {k: v for k, v in now[receipt["id"]].items() if k in receipt} == receipt
        shown = json.loads(installation.cli("receipts", "show", receipt["id"]).stdout)
        assert shown["receipt"]["id"] == receipt["id"]
    for path, state in ("budgets", ("limit", "spent", "reserved")), ("quotes", ("state", "receipt_id", "offers")):
        for then in [one["answer"][path] for one in past["recorded"] if one["path"] == f"/meridian/v1/{path}"]:
            assert [{k: each[k] for k in state} for each in installation.get(f"/meridian/v1/{path}")[path]] == [{k: each[k] for k in state} for each in then]
    qaas = QaaSClient(project_id=past["project_id"], secret_key=past["secret_key"], url=installation.url)
    assert qaas.get_job(past["job"]).status == "completed"
    [recorded] = [one["answer"]["job_results"] for one in past["recorded"] if one["path"].endswith("/results")]
    assert [r.result for r in qaas.list_job_results(past["job"])] == [r["result"] for r in recorded]
