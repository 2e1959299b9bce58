"""The real Scaleway Python SDK against inference/v1, unmodified: its waiters, pages and exceptions."""
import pytest
from openai import AuthenticationError, OpenAI
from scaleway import Client, ScalewayException
from scaleway.inference.v1 import DeploymentStatus, EndpointPublicNetworkDetails, EndpointSpec, InferenceV1API

from support.meridian import models_directory, until


@pytest.fixture
def api(meridian):
    return InferenceV1API(Client(access_key=meridian.facts["access_key"], secret_key=meridian.secret, api_url=meridian.url,
                                 default_organization_id=meridian.facts["organization_id"], default_project_id=meridian.facts["project_id"],
                                 default_region=meridian.facts["region"], default_zone=meridian.facts["zone"]))


def model_id(api, name):
    return next(m.id for m in api.list_models_all() if m.name == name)


def test_a_deployment_lives_from_create_to_gone(api, meridian):
    node_type = api.list_node_types(include_disabled_types=False).node_types[0].name
    made = api.create_deployment(name="scenario", model_id=model_id(api, "tiny"), node_type_name=node_type, tags=["a", "b"],
                                 endpoints=[EndpointSpec(disable_auth=False, public_network=EndpointPublicNetworkDetails())])
    assert made.status in (DeploymentStatus.CREATING, DeploymentStatus.DEPLOYING, DeploymentStatus.READY)
    ready = api.wait_for_deployment(deployment_id=made.id)
    assert ready.status == DeploymentStatus.READY
    assert ready.size == 1 and ready.tags == ["a", "b"] and ready.model_name == "tiny"
    assert ready.endpoints[0].public_network is not None and ready.endpoints[0].url == meridian.url
    assert ready.created_at <= ready.updated_at

    renamed = api.update_deployment(deployment_id=made.id, name="renamed", tags=["c"])
    assert renamed.name == "renamed" and renamed.tags == ["c"]
    api.update_deployment(deployment_id=made.id, min_size=2, max_size=2)
    grown = until(lambda: (d := api.get_deployment(deployment_id=made.id)).size == 2 and d, "two replicas are ready")
    assert api.wait_for_deployment(deployment_id=made.id).status == DeploymentStatus.READY
    assert grown.min_size == 2

    assert api.delete_deployment(deployment_id=made.id).status == DeploymentStatus.DELETING

    def gone():
        try:
            api.get_deployment(deployment_id=made.id)
        except ScalewayException as error:
            return error.status_code == 404
        return False

    until(gone, "a deleted deployment turns into 404")


def test_models_and_pages(api):
    names = {m.name for m in api.list_models_all()}
    assert {"smollm2-135m-instruct", "tiny", "vectors"} <= names
    one = api.get_model(model_id=model_id(api, "smollm2-135m-instruct"))
    assert one.size_bytes > 90_000_000 and one.nodes_support[0].nodes[0].quantizations[0].allowed
    first = api.list_models(page=1, page_size=1)
    assert len(first.models) == 1 and first.total_count == len(names)
    assert api.list_models(page=999, page_size=50).models == []
    assert [m.name for m in api.list_models(name="tiny").models] == ["tiny"]


def test_deployments_are_filtered_by_tag_and_name(api):
    everything = api.list_deployments_all()
    assert {"tiny", "endless", "vectors"} <= {d.name for d in everything}
    assert api.list_deployments(tags=["no such tag"]).total_count == 0
    assert {d.name for d in api.list_deployments(name="endless").deployments} == {"endless"}


@pytest.mark.parametrize("wish, field", [
    ({"min_size": 0}, "min_size"),
    ({"min_size": 51, "max_size": 51}, "min_size"),
    ({"name": "a name with blanks"}, "name"),
    ({"node_type_name": "H100-99"}, "node_type_name"),
])
def test_mistakes_come_as_invalid_arguments(api, wish, field):
    whole = {"name": "bad", "model_id": model_id(api, "tiny"), "node_type_name": "", "endpoints": []} | wish
    with pytest.raises(ScalewayException) as refused:
        api.create_deployment(**whole)
    body = refused.value.response.json()
    assert refused.value.status_code == 400 and body["type"] == "invalid_arguments"
    assert field in [d["argument_name"] for d in body["details"]]


def test_what_does_not_exist_is_not_found(api):
    for call in (lambda: api.get_deployment(deployment_id="00000000-0000-4000-8000-000000000000"), lambda: api.get_model(model_id="not-an-id"),
                 lambda: api.create_deployment(name="x", model_id="no-such-model", node_type_name="", endpoints=[])):
        with pytest.raises(ScalewayException) as missing:
            call()
        assert missing.value.status_code == 404 and missing.value.response.json()["type"] == "not_found"


def test_a_wrong_key_is_denied(meridian):
    stranger = InferenceV1API(Client(access_key="SCWXXXXXXXXXXXXXXXXX", secret_key="00000000-0000-4000-8000-000000000000", api_url=meridian.url,
                                     default_project_id=meridian.facts["project_id"], default_region="fr-par", default_zone="fr-par-1"))
    with pytest.raises(ScalewayException) as refused:
        stranger.list_deployments()
    assert refused.value.status_code == 401 and refused.value.response.json()["type"] == "denied_authentication"


def deployed(api, meridian, name, **endpoint):
    meridian.cli("models", "add", str(models_directory() / "answer.gguf"), "--name", name)
    made = api.create_deployment(name=name, model_id=model_id(api, name), node_type_name="",
                                 endpoints=[EndpointSpec(public_network=EndpointPublicNetworkDetails(), **endpoint)])
    ready = api.wait_for_deployment(deployment_id=made.id)
    assert ready.status == DeploymentStatus.READY, ready.error_message
    return ready


def answers_without_key(meridian, name):
    try:
        OpenAI(base_url=meridian.url + "/v1", api_key="EMPTY", max_retries=0).chat.completions.create(
            model=name, messages=[{"role": "user", "content": "hello"}])
        return True
    except AuthenticationError:
        return False


def test_an_endpoint_without_auth_answers_anybody_at_its_projects_cost(api, meridian):
    ready = deployed(api, meridian, "open-to-all", disable_auth=True)
    assert ready.endpoints[0].disable_auth
    until(lambda: answers_without_key(meridian, "open-to-all"), "no key is needed")
    assert not answers_without_key(meridian, "tiny"), "the others still need one"
    newest = meridian.get("/meridian/v1/receipts?page_size=1&page_token=")["receipts"][0]
    assert newest["model"] == "open-to-all" and newest["project"] == meridian.facts["project_id"]
    closed = api.update_endpoint(endpoint_id=ready.endpoints[0].id, disable_auth=False)
    assert not closed.disable_auth
    until(lambda: not answers_without_key(meridian, "open-to-all"), "a key is needed again")
    api.delete_deployment(deployment_id=ready.id)


def test_access_rules_decide_by_the_clients_address(api, meridian):
    """The SDK of today has no calls for access rules (its v1beta1 had): its own requests, by hand."""
    ready = deployed(api, meridian, "guarded", disable_auth=False)

    def call(method, path, body=None, version="v1beta1"):
        answer = api._request(method, f"/inference/{version}/regions/{meridian.facts['region']}/{path}", body=body)
        api._throw_on_error(answer)
        return answer.json() if answer.content else None

    rules = f"deployments/{ready.id}/acls"
    assert call("GET", rules) == {"rules": [], "total_count": 0}
    assert meridian.chat("guarded")[0] == 200
    added = call("POST", rules, {"acls": [{"ip": "192.0.2.1/24", "description": "elsewhere"}]})["rules"]
    assert added[0]["ip"] == "192.0.2.0/24" and added[0]["description"] == "elsewhere"
    status, _, body = until(lambda: (a := meridian.chat("guarded"))[0] == 403 and a, "we are kept out")
    assert b"access rules" in body
    assert meridian.chat("tiny")[0] == 200
    call("PUT", rules, {"acls": [{"ip": "127.0.0.0/8", "description": "here"}]}, version="v1")
    until(lambda: meridian.chat("guarded")[0] == 200, "we are let in")
    only = call("GET", rules)["rules"]
    assert [r["ip"] for r in only] == ["127.0.0.0/8"]
    call("DELETE", f"acls/{only[0]['id']}")
    assert call("GET", rules)["total_count"] == 0
    with pytest.raises(ScalewayException) as refused:
        call("POST", rules, {"acls": [{"ip": "10.0.0", "description": ""}]})
    assert refused.value.status_code == 400 and "10.0.0" in refused.value.response.text
    api.delete_deployment(deployment_id=ready.id)
