"""Signing in through a real OpenID provider, with a browser's cookies and redirects: code flow with PKCE, groups, and what goes wrong."""
import base64
import json
import urllib.parse

import pytest
import requests
from scaleway.iam.v1alpha1 import IamV1Alpha1API

from support.meridian import PATIENCE, Meridian
from support.oidc import Person, Provider
from support.scaleway import sdk

CALLBACK = "/meridian/v1/sign-in/callback"
ACCOUNTS = {
    "ada": {"email": "ada@example.org", "email_verified": True, "name": "Ada Lovelace", "preferred_username": "ada", "groups": ["lab", "staff"]},
    "bob": {"email": "bob@example.org", "email_verified": True, "preferred_username": "bob", "groups": []},
    "eve": {"email": "ada@example.org", "email_verified": False, "preferred_username": "eve", "groups": ["lab"]},
}


@pytest.fixture(scope="module")
def meridian(tmp_path_factory):
    with Meridian(tmp_path_factory.mktemp("oidc") / "data", arguments=["--egress", "127.0.0.0/8"]) as running:
        yield running


@pytest.fixture(scope="module")
def provider(meridian, tmp_path_factory):
    with Provider(tmp_path_factory.mktemp("provider"), meridian.url + CALLBACK, ACCOUNTS) as running:
        yield running


def declare(meridian, provider, **more):
    body = {"issuer": provider.issuer, "client_id": "meridian", "client_secret": provider.secret, **more}
    status, _, answer = meridian.call("PUT", "/meridian/v1/identity-provider", body)
    return status, json.loads(answer)


def as_session(meridian, token, method, path):
    return requests.request(method, meridian.url + path, headers={"X-Session-Token": token}, timeout=PATIENCE)


@pytest.fixture(scope="module")
def lab(meridian, provider):
    """A group that may read users, which the provider calls 'lab', and an invitation of ada."""
    iam = IamV1Alpha1API(sdk(meridian))
    group = iam.create_group(name="lab", description="", tags=[])
    meridian.call("POST", "/iam/v1alpha1/policies", {"name": "lab", "group_id": group.id, "rules": [
        {"permission_set_names": ["IAMUserReadOnly"], "organization_id": meridian.facts["organization_id"]}]})
    status, shown = declare(meridian, provider, groups={"lab": group.id})
    assert status == 200 and shown["has_client_secret"] and provider.secret not in json.dumps(shown)
    iam.create_user(email="ada@example.org", tags=[])
    return group


def test_who_was_invited_signs_in_and_is_in_the_groups_that_the_provider_says(meridian, provider, lab):
    session = Person(meridian, "ada").sign_in()
    assert as_session(meridian, session["token"], "GET", "/iam/v1alpha1/users").status_code == 200
    assert as_session(meridian, session["token"], "GET", "/iam/v1alpha1/groups").status_code == 403
    iam = IamV1Alpha1API(sdk(meridian))
    user = iam.get_user(user_id=session["user_id"])
    assert (user.status, user.email) == ("activated", "ada@example.org") and user.last_login_at
    assert iam.get_group(group_id=lab.id).user_ids == [user.id]
    claims = json.loads(base64.urlsafe_b64decode(session["token"].split(".")[1] + "=="))
    assert (claims["sub"], claims["jti"], claims["aud"]) == (user.id, session["id"], meridian.facts["organization_id"])
    assert as_session(meridian, session["token"], "DELETE", f"/iam/v1alpha1/jwts/{session['id']}").status_code == 204
    assert as_session(meridian, session["token"], "GET", "/iam/v1alpha1/users").status_code == 401
    again = Person(meridian, "ada").sign_in()
    assert again["user_id"] == user.id
    iam.lock_user(user_id=user.id)
    assert as_session(meridian, again["token"], "GET", "/iam/v1alpha1/jwts").status_code == 401
    assert "locked" in Person(meridian, "ada").sign_in()["error_description"]
    iam.unlock_user(user_id=user.id)


def test_strangers_stay_outside_unless_the_provider_makes_users(meridian, provider, lab):
    told = Person(meridian, "bob").sign_in()
    assert told["error"] == "access_denied" and "invited" in told["error_description"]
    told = Person(meridian, "eve").sign_in()
    assert told["error"] == "access_denied", "an address that the provider has not verified opens no invitation"
    declare(meridian, provider, groups={"lab": lab.id}, makes_users=True)
    session = Person(meridian, "bob").sign_in()
    assert as_session(meridian, session["token"], "GET", "/iam/v1alpha1/jwts").json()["total_count"] == 1
    assert as_session(meridian, session["token"], "GET", "/iam/v1alpha1/users").status_code == 403, "bob is in no group"
    declare(meridian, provider, groups={"lab": lab.id})


def test_a_code_is_for_the_program_that_sent_the_browser_and_for_once(meridian, provider, lab):
    person = Person(meridian, "ada")
    told = person.come_back(person.to_callback(person.begin(return_to="http://127.0.0.1:9/done?x=1")))
    assert person.take(told["code"], verifier="another").status_code == 401
    assert person.take(told["code"]).status_code == 401, "after a wrong verifier the sign-in is over"
    person = Person(meridian, "ada")
    told = person.come_back(person.to_callback(person.begin()))
    assert person.take(told["code"]).status_code == 201
    assert person.take(told["code"]).status_code == 401


def test_what_another_browser_began_or_somebody_changed_is_refused(meridian, provider, lab):
    person, other = Person(meridian, "ada"), Person(meridian, "ada")
    callback = person.to_callback(person.begin())
    for browser, place in (other.browser, callback), (person.browser, callback.replace("state=", "state=x")), (requests, callback):
        answer = browser.get(place, allow_redirects=False, timeout=PATIENCE)
        assert answer.status_code == 400 and "Begin again" in answer.json()["detail"], answer.text
    wrong_issuer = callback.split("&iss=")[0] + "&iss=https%3A%2F%2Fevil.example"
    assert "another identity provider" in person.come_back(wrong_issuer)["error_description"]
    state = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(person.begin().headers["Location"]).query))["state"]
    denied = CALLBACK + "?" + urllib.parse.urlencode({"error": "access_denied", "state": state})
    assert "access_denied" in person.come_back(meridian.url + denied)["error_description"]
    for place in "https://evil.example/", "//evil.example/", "http://127.0.0.1.evil.example/", "http://user@127.0.0.1/", "javascript:alert(1)", "/\\evil":
        assert person.begin(return_to=place).status_code in (400, 422), place
    assert person.begin(challenge="short").status_code in (400, 422)


def test_a_provider_that_changed_its_keys_or_is_lost_harms_nobody_inside(meridian, provider, lab, tmp_path):
    session = Person(meridian, "ada").sign_in()
    provider.__exit__()
    person = Person(meridian, "ada")
    begun = person.begin()  # what it published is remembered for a while
    assert begun.status_code == 302
    assert as_session(meridian, session["token"], "GET", "/iam/v1alpha1/users").status_code == 200, "who is inside stays inside"
    provider.settings["key_id"] = "second"
    with Provider(tmp_path, meridian.url + CALLBACK, ACCOUNTS, key_id="second", port=provider.settings["port"]) as renewed:
        assert renewed.issuer == provider.issuer
        told = person.sign_in()
        assert "token" in told, told
        callback = person.to_callback(person.begin())
    told = person.come_back(callback)
    assert told["error"] == "temporarily_unavailable" and "Sign in later" in told["error_description"]
    status, answer = declare(meridian, provider)
    assert status == 503 and "cannot be asked" in answer["detail"], "a provider that does not answer is not declared"


def test_a_declaration_that_cannot_work_says_why(meridian):
    def said(**body):
        status, _, answer = meridian.call("PUT", "/meridian/v1/identity-provider", {"issuer": "https://id.example", "client_id": "m", **body})
        return status, answer.decode()

    assert said(issuer="http://id.example")[0] == 400
    assert said(callback_url="https://meridian.example/elsewhere")[0] == 400
    assert said(client_id="")[0] == 400
    assert said(scopes=["two words"])[0] == 400


def test_without_a_provider_nobody_signs_in(meridian):
    meridian.call("DELETE", "/meridian/v1/identity-provider")
    assert Person(meridian, "ada").begin().status_code == 412
    assert meridian.call("GET", "/meridian/v1/identity-provider")[0] == 404
