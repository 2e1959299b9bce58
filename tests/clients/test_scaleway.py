"""The real Scaleway Python SDK against inference/v1, unmodified: its waiters, pages and exceptions."""
import pytest
from scaleway import Client, ScalewayException
from scaleway.inference.v1 import DeploymentStatus, EndpointPublicNetworkDetails, EndpointSpec, InferenceV1API

from support.meridian import until


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
