"""Several processes of the control plane on one PostgreSQL: what each answers, what they know of each other's changes, and their bad days."""
import json
import subprocess
import threading

import pytest

from support.control import Control
from support.meridian import BINARY, Meridian, until
from support.postgres import Postgres

KEYS = "/iam/v1alpha1/api-keys"


@pytest.fixture(scope="module")
def postgres():
    made = Postgres()
    yield made
    made.close()


@pytest.fixture(scope="module")
def house(postgres, tmp_path_factory):
    """A Meridian with a zone and a model, and two more processes."""
    directory = tmp_path_factory.mktemp("control")
    main = Meridian(directory / "data")
    main.environment["MERIDIAN_DATABASE"] = postgres.url(postgres.new_database())
    with main:
        main.add_tiny("answer", "tiny")
        with Control(main, directory / "one") as one, Control(main, directory / "two") as two:
            yield main, one, two


def new_key(meridian, **more):
    status, _, body = meridian.call("POST", KEYS, {"description": "made", **more})
    assert status == 200, body
    return json.loads(body)


def status_with(meridian, secret, path=KEYS):
    return meridian.call("GET", path, headers={"Authorization": f"Bearer {secret}"})[0]


def test_a_key_made_at_one_opens_all_and_revoked_at_another_opens_none(house):
    main, one, two = house
    key = new_key(one)
    for process in house:
        assert status_with(process, key["secret_key"]) == 200
    assert two.call("DELETE", f"{KEYS}/{key['access_key']}")[0] == 204
    assert status_with(two, key["secret_key"]) == 401
    for process in (main, one):
        until(lambda: status_with(process, key["secret_key"]) == 401, "a revoked key is refused everywhere")


def test_what_needs_the_zone_is_passed_on_with_its_answer_as_it_comes(house):
    main, one, _ = house
    status, headers, body = one.chat()
    assert status == 200 and json.loads(body)["choices"], body
    receipt = main.get("/meridian/v1/receipts?page_size=1")["receipts"][0]
    assert receipt["id"] == headers["X-Meridian-Receipt"]
    status, headers, body = one.call("POST", "/v1/chat/completions", {"model": "tiny", "messages": [{"role": "user", "content": "x"}], "stream": True})
    assert status == 200 and body.endswith(b"data: [DONE]\n\n") and headers["Content-Type"].startswith("text/event-stream")
    assert one.call("POST", "/v1/chat/completions", {"model": "none", "messages": []})[0] in (400, 404)
    assert one.call("GET", "/v1/models", headers={"Authorization": "Bearer nobody"})[0] == 401, "whoever answers asks for the right"
    assert one.get("/openapi.json")["paths"].keys() == main.get("/openapi.json")["paths"].keys()
    assert one.get("/meridian/v1/permissions") == main.get("/meridian/v1/permissions")


def test_a_change_at_any_process_wakes_the_reconciler_of_the_zone_and_is_in_the_log(house):
    main, one, _ = house
    project = json.loads(one.call("POST", "/account/v3/projects", {"name": "from one", "description": ""})[2])
    changes = until(lambda: [e for e in main.get("/audit-trail/v1alpha1/regions/fr-par/events?page_size=50")["events"] if project["id"] in json.dumps(e)],
                    "the log has the change")
    assert changes[0]["method_name"] == "CreateProject"
    assert one.call("DELETE", f"/account/v3/projects/{project['id']}")[0] == 204


def test_without_the_process_of_the_zone_keys_and_policies_work_and_the_rest_says_so(house):
    main, one, two = house
    main.kill()
    assert one.call("GET", "/readyz")[0] == 200
    key = new_key(one)
    assert status_with(two, key["secret_key"]) == 200
    status, headers, body = one.chat()
    assert status == 503 and b"cannot be reached" in body and headers["Retry-After"]
    main.start()
    until(lambda: one.chat()[0] == 200, "what is passed on is answered again")
    assert status_with(main, key["secret_key"]) == 200


def test_a_process_killed_in_the_middle_of_changes_loses_none_that_it_acknowledged(house, tmp_path):
    main, one, _ = house
    with Control(main, tmp_path / "doomed") as doomed:
        acknowledged, stop = [], threading.Event()

        def make():
            while not stop.is_set():
                try:
                    acknowledged.append(new_key(doomed)["access_key"])
                except (OSError, AssertionError):
                    return

        makers = [threading.Thread(target=make) for _ in range(3)]
        for maker in makers:
            maker.start()
        until(lambda: len(acknowledged) >= 20, "keys are made")
        doomed.kill()
        stop.set()
        for maker in makers:
            maker.join()
    for access_key in acknowledged:
        assert one.call("GET", f"{KEYS}/{access_key}")[0] == 200, access_key


def test_a_process_with_other_keys_or_without_a_first_one_is_refused(house, postgres, tmp_path):
    main, _, _ = house

    def said(data, database):
        done = subprocess.run([BINARY, "control", "--data", data, "--database", database, "--listen", "127.0.0.1:0"], capture_output=True, text=True)
        assert done.returncode == 1
        return done.stderr

    ours = main.environment["MERIDIAN_DATABASE"]
    assert "Copy control/keys" in said(tmp_path / "empty", ours)
    with Meridian(tmp_path / "stranger"):
        pass
    (tmp_path / "stranger" / "control" / "meridian.db").unlink()
    assert "another installation" in said(tmp_path / "stranger", ours)
    (tmp_path / "stranger" / "control" / "database").unlink(missing_ok=True)
    assert "Start `meridian up`" in said(tmp_path / "stranger", postgres.url(postgres.new_database()))
