"""Identity and money from the command line: everything that the control plane has a route for, by name, with exit codes."""
import json
import os
import subprocess

import pytest

from support.meridian import BINARY, Meridian

SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMyNfG4Jwgu2p53og5GEvK5g3jBqaQQReqF2KBcxRFdE me@example"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with Meridian(tmp_path_factory.mktemp("house") / "data") as running:
        yield running


def refused(meridian, code, *arguments):
    """The sentence of a command that fails with that exit code."""
    done = meridian.cli(*arguments, check=False)
    assert done.returncode == code, (arguments, done.stdout, done.stderr)
    return done.stderr


def as_key(meridian, secret, *arguments):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True,
                          env=os.environ | {"MERIDIAN_URL": meridian.url, "MERIDIAN_SECRET_KEY": secret})


def test_projects_are_named_by_name_or_by_id(house):
    made = house.json("projects", "create", "web", "--description", "the shop")
    assert made["name"] == "web" and made["description"] == "the shop"
    assert house.json("projects", "rename", "web", "shop")["id"] == made["id"]
    assert house.json("projects", "rename", made["id"], "shop 2")["name"] == "shop 2"
    assert {"default", "shop 2"} == {p["name"] for p in house.json("projects", "list")["projects"]}
    assert "shop 2" in house.cli("projects", "list").stdout
    assert "already a project" in refused(house, 1, "projects", "create", "shop 2")
    assert "shop 2 is deleted" in house.cli("projects", "delete", "shop 2").stdout
    assert "no project named 'shop 2'" in refused(house, 3, "projects", "delete", "shop 2")
    assert "default project" in refused(house, 1, "projects", "delete", "default")
    assert "There is no such" in refused(house, 3, "projects", "delete", made["id"])


def test_an_application_may_what_its_policy_says_and_no_more(house):
    """The whole way by names: project, application, policy, key, and what the key may."""
    house.cli("projects", "create", "models")
    house.cli("applications", "create", "robot", "--description", "asks models")
    policy = house.json("policies", "create", "robots", "--application", "robot",
                        "--allow", "GenerativeApisModelAccess,InferenceReadOnly@models", "--allow", "IAMReadOnly@organization")
    shown = house.json("policies", "show", "robots")
    assert shown["policy"]["id"] == policy["id"] and policy["nb_rules"] == 2
    assert "IAMReadOnly" in house.cli("policies", "show", "robots").stdout
    key = house.json("keys", "create", "--application", "robot", "--project", "models", "--description", "robot's")
    assert house.cli("keys", "may", "read", "deployments", "--key", key["access_key"], "--project", "models").returncode == 0
    assert house.cli("keys", "may", "create", "deployments", "--key", key["access_key"], check=False).returncode == 1
    assert key["access_key"] in house.cli("keys", "list").stdout
    assert as_key(house, key["secret_key"], "policies", "list").returncode == 0
    no = as_key(house, key["secret_key"], "projects", "create", "mine")
    assert no.returncode == 4 and "may not create projects" in no.stderr
    assert "InferenceReadOnly" in house.cli("permission-sets", "list").stdout
    house.cli("policies", "delete", "robots")
    assert as_key(house, key["secret_key"], "policies", "list").returncode == 4, "at once"
    house.cli("applications", "delete", "robot")
    assert as_key(house, key["secret_key"], "projects", "list").returncode == 4, "its keys are gone with it"


def test_people_join_groups_and_are_locked_out(house):
    assert house.json("people", "invite", "ada@example.org")["status"] == "invitation_pending"
    ben = house.json("people", "add", "ben", "--email", "ben@example.org", "--first-name", "Ben")
    house.cli("applications", "create", "helper")
    house.cli("groups", "create", "readers")
    group = house.json("groups", "add", "readers", "--user", "ben", "--user", "ada@example.org", "--application", "helper")
    assert len(group["user_ids"]) == 2 and ben["id"] in group["user_ids"] and len(group["application_ids"]) == 1
    assert house.json("groups", "remove", "readers", "--user", "ben", "--application", "helper")["user_ids"] != group["user_ids"]
    house.cli("policies", "create", "reading", "--group", "readers", "--allow", "AllProductsReadOnly@organization")
    assert house.json("people", "lock", "ben")["locked"] and not house.json("people", "unlock", "ben")["locked"]
    assert "last owner" in refused(house, 1, "people", "lock", "owner")
    assert "Nobody was named" in refused(house, 2, "groups", "add", "readers")
    house.cli("people", "remove", "ben")
    assert "no user named 'ben'" in refused(house, 3, "people", "lock", "ben")
    assert "ben" not in [u["username"] for u in house.json("people", "list")["users"]]
    house.cli("groups", "delete", "readers")
    assert house.json("groups", "list")["groups"] == []


def test_ssh_keys_and_budgets(house, tmp_path):
    file = tmp_path / "id.pub"
    file.write_text(SSH_KEY + "\n")
    made = house.json("ssh-keys", "add", str(file), "--name", "mine", "--project", "default")
    assert made["fingerprint"] in house.cli("ssh-keys", "list").stdout
    house.cli("ssh-keys", "delete", "mine")
    assert house.json("ssh-keys", "list")["ssh_keys"] == []
    refused(house, 3, "ssh-keys", "add", str(tmp_path / "none.pub"))
    budget = house.json("budgets", "create", "25", "--name", "monthly money", "--alert", "50", "--alert", "80", "--project", "default")
    assert budget["alerts"] == [50, 80] and budget["scope"] == "project" and budget["hard"] and budget["limit"] == "25"
    assert not house.json("budgets", "create", "0.50", "--period", "daily", "--soft")["hard"]
    assert "monthly money" in house.cli("budgets", "list").stdout
    assert "euros" in refused(house, 1, "budgets", "create", "much")
    house.cli("budgets", "delete", "monthly money")
    assert [b["period"] for b in house.json("budgets", "list")["budgets"]] == ["daily"]


@pytest.mark.parametrize("rule", ["IAMReadOnly", "@organization", "IAMReadOnly@"])
def test_a_rule_says_what_and_where(house, rule):
    assert "what is allowed where" in refused(house, 2, "policies", "create", "broken", "--allow", rule)


def test_errors_are_json_where_answers_are(house):
    done = house.cli("projects", "delete", "nowhere", "--json", check=False)
    said = json.loads(done.stdout)
    assert done.returncode == 3 and said["hint"] == "meridian projects list" and "nowhere" in said["error"]
    assert house.cli("policies", "create", check=False).returncode == 2
    assert "no permission set 'NoSuchSet'" in refused(house, 1, "policies", "create", "odd", "--allow", "NoSuchSet@organization")
