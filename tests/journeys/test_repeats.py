"""A client that did not hear the answer sends its request again, with the same Idempotency-Key: it is done once."""
import json
import threading

PROJECTS = "/account/v3/projects"


def post(meridian, key, path, body):
    status, headers, answer = meridian.call("POST", path, body, headers={"Idempotency-Key": key})
    return status, headers.get("Idempotency-Replayed"), json.loads(answer)


def test_a_create_that_is_sent_again_is_done_once_and_also_after_a_restart(fresh):
    fresh.start()
    status, replayed, made = post(fresh, "a", PROJECTS, {"name": "lab"})
    assert (status, replayed) == (200, None)
    assert post(fresh, "a", PROJECTS, {"name": "lab"}) == (200, "true", made)
    key = post(fresh, "k", "/iam/v1alpha1/api-keys", {"description": "once"})[2]
    budget = post(fresh, "b", "/meridian/v1/budgets", {"limit": "5"})
    assert budget[0] == 201
    fresh.kill()
    fresh.start()
    assert post(fresh, "a", PROJECTS, {"name": "lab"}) == (200, "true", made)
    assert post(fresh, "k", "/iam/v1alpha1/api-keys", {"description": "once"})[2] == key, "with its secret, for whom it was made"
    assert post(fresh, "b", "/meridian/v1/budgets", {"limit": "5"}) == (201, "true", budget[2])
    stored = b"".join(p.read_bytes() for p in fresh.data.rglob("*") if p.is_file() and p.name != "cli.json")
    assert key["secret_key"].encode() not in stored
    status, _, refused = post(fresh, "a", PROJECTS, {"name": "another"})
    assert status == 400 and refused["type"] == "invalid_arguments" and refused["details"][0]["argument_name"] == "Idempotency-Key"
    status, _, refused = post(fresh, "b", "/meridian/v1/budgets", {"limit": "6"})
    assert status == 400 and "Idempotency-Key" in refused["detail"]
    assert len(fresh.get(PROJECTS)["projects"]) == 2 and len(fresh.get("/meridian/v1/budgets")["budgets"]) == 1


def test_of_many_at_once_one_does_the_work(fresh):
    fresh.start()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(post(fresh, "crowd", PROJECTS, {"name": "lab"}))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for status, _, _ in answers} <= {200, 409}
    assert all(answer["type"] == "transient_state" for status, _, answer in answers if status == 409)
    assert len({answer["id"] for status, _, answer in answers if status == 200}) == 1
    assert len(fresh.get(PROJECTS)["projects"]) == 2
