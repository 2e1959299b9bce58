"""Who can reach what: the whole table of routes and rights, asked of a running Meridian route by route, and published in docs/permissions.md.

MERIDIAN_WRITE_PERMISSIONS=1 writes the page anew.
"""
import json
import os
import pathlib
import re

import pytest

from support.meridian import Meridian

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "permissions.md"
IAM = "/iam/v1alpha1"
NOBODY = "00000000-0000-4000-8000-000000000000"


def sent(meridian, method, path, body, secret=None):
    before, meridian.secret = meridian.secret, secret or meridian.secret
    try:
        return meridian.call(method, path, body)
    finally:
        meridian.secret = before


def made(meridian, path, body):
    status, _, answer = meridian.call("POST", IAM + path, body)
    assert status == 200, (path, answer)
    return json.loads(answer)


def concrete(pattern):
    """A path of the pattern that names nothing that exists."""
    known = {"region": "fr-par", "zone": "fr-par-1", "access_key": "SCWAAAAAAAAAAAAAAAAA"}
    return re.sub(r"\{(\w+)(\.\.\.)?\}", lambda found: known.get(found[1], NOBODY), pattern)


@pytest.fixture(scope="module")
def meridian(tmp_path_factory):
    with Meridian(tmp_path_factory.mktemp("permissions") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def routes(meridian):
    return meridian.get("/meridian/v1/permissions")["routes"]


@pytest.fixture(scope="module")
def bearers(meridian):
    """A secret for every permission set, held by an application that has it alone."""
    out = {}
    for one in meridian.get(IAM + "/permission-sets?page_size=100")["permission_sets"]:
        where = {"project_ids": [meridian.facts["project_id"]]} if one["scope_type"] == "projects" else {"organization_id": meridian.facts["organization_id"]}
        app = made(meridian, "/applications", {"name": one["name"]})["id"]
        made(meridian, "/policies", {"name": one["name"], "application_id": app, "rules": [{"permission_set_names": [one["name"]], **where}]})
        out[one["name"]] = made(meridian, "/api-keys", {"application_id": app, "description": one["name"]})["secret_key"]
    return out


def test_every_route_is_closed_to_strangers_unless_the_table_says_that_it_is_open(meridian, routes):
    assert len(routes) > 100
    # Unknown keys from one address: after some of them it is told to wait.
    for route in routes:
        status, _, _ = sent(meridian, route["method"], concrete(route["path"]), None, "11111111-1111-4111-8111-111111111111")
        assert (status in (401, 429)) == (route["level"] is not None), (route, status)


def test_every_permission_set_opens_its_routes_and_no_other(meridian, routes, bearers):
    for name, secret in bearers.items():
        for route in (r for r in routes if r["level"] is not None):
            is_allowed = route["everybody"] or name in route["permission_sets"]
            if not is_allowed:
                status, _, answer = sent(meridian, route["method"], concrete(route["path"]), None, secret)
                sees = (route["action"], route["scope"]) == ("read", "projects")  # who may anything in a project may read that project
                assert status == 403 or sees and status in (200, 404), (name, route["method"], route["path"], status, answer)
            elif route["method"] == "GET":  # what would change something is asked of the authorizer alone, below
                status, _, answer = sent(meridian, "GET", concrete(route["path"]), None, secret)
                assert status not in (401, 403), (name, route["path"], status, answer)


def test_the_authorizer_explains_itself_as_the_table_says(meridian, routes, bearers):
    rights = {(r["action"], r["scope"]): r for r in routes if r["level"] is not None}
    for name, secret in bearers.items():
        for (action, scope), route in rights.items():
            _, _, answer = sent(meridian, "GET", f"/meridian/v1/permissions/check?action={action}&scope={scope}", None, secret)
            said = json.loads(answer)
            sees = (action, scope) == ("read", "projects")
            assert said["allowed"] == (route["everybody"] or name in route["permission_sets"]) or sees, (name, action, scope, said)
            assert said["because"]


def test_ids_of_another_project_open_nothing(meridian, routes):
    """A bearer with every right in one project: what belongs to another is not there."""
    status, _, answer = meridian.call("POST", "/account/v3/projects", {"name": "walled", "description": ""})
    assert status == 200
    walled = json.loads(answer)["id"]
    app = made(meridian, "/applications", {"name": "insider"})["id"]
    made(meridian, "/policies", {"name": "insider", "application_id": app, "rules": [{"permission_set_names": ["AllProductsFullAccess"], "project_ids": [walled]}]})
    secret = made(meridian, "/api-keys", {"application_id": app, "description": "", "default_project_id": walled})["secret_key"]
    session = json.loads(meridian.call("POST", "/qaas/v1alpha1/sessions", {"project_id": meridian.facts["project_id"], "name": "ours", "platform_id": meridian.get(
        "/qaas/v1alpha1/platforms")["platforms"][0]["id"]})[2])["id"]
    for method, path in ("GET", ""), ("DELETE", ""), ("POST", "/terminate"), ("GET", "/acls"):
        assert sent(meridian, method, f"/qaas/v1alpha1/sessions/{session}{path}", None, secret)[0] == 404
    assert json.loads(sent(meridian, "GET", "/qaas/v1alpha1/sessions", None, secret)[2])["total_count"] == 0
    listed = json.loads(sent(meridian, "GET", "/account/v3/projects", None, secret)[2])
    assert [p["id"] for p in listed["projects"]] == [walled]


def table(routes):
    yield "| route | right | permission sets | roles of keys |"
    yield "|---|---|---|---|"
    for r in sorted(routes, key=lambda r: (r["path"], r["method"])):
        if r["level"] is None:
            right, sets, roles = "none", "open to everybody", ""
        else:
            right = f"{r['action']} {r['scope']}"
            sets = "every key" if r["everybody"] else ", ".join(r["permission_sets"]) or "owners only"
            roles = ", ".join(r["roles"])
        yield f"| `{r['method']} {r['path']}` | {right} | {sets} | {roles} |"


def test_the_published_page_is_the_table_of_this_program(routes):
    text = """# Who can reach what

Made from the running program by `tests/journeys/test_permissions.py`, which also asks every route with a bearer of every permission set.

A route asks for a right: an action on a scope. A bearer (a user or an application) has rights by the rules of its policies, which name
permission sets and where they hold; owners have all rights of their organization. A key has its bearer's rights, less what its role leaves
out and what lies outside its project. Who may do anything in a project may read that project. What is out of a caller's reach is not found; where the caller may read it, a change is denied.

""" + "\n".join(table(routes)) + "\n"
    if os.environ.get("MERIDIAN_WRITE_PERMISSIONS"):
        PAGE.write_text(text)
    assert PAGE.read_text() == text, "MERIDIAN_WRITE_PERMISSIONS=1 writes it anew"
