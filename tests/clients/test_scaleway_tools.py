"""Scaleway's command line and JavaScript SDK against a Meridian, unmodified."""
import pytest
from support.scaleway import Refused, js, scw


def test_scw_lists_what_can_be_deployed_and_where(meridian):
    region = f"region={meridian.facts['region']}"
    types = scw(meridian, "inference", "node-type", "list", region)
    assert types and all(one["region"] == meridian.facts["region"] and one["vcpus"] > 0 and one["memory"] > 0 for one in types)
    assert {"tiny", "vectors"} <= {one["name"] for one in scw(meridian, "inference", "model", "list", region)}


def test_scw_deploys_and_removes(meridian):
    region = f"region={meridian.facts['region']}"
    model = next(one["id"] for one in scw(meridian, "inference", "model", "list", region) if one["name"] == "tiny")
    node_type = next(one["name"] for one in scw(meridian, "inference", "node-type", "list", region) if one["stock_status"] == "available")
    made = scw(meridian, "inference", "deployment", "create", "name=from-scw", f"model-id={model}", f"node-type-name={node_type}", region)
    assert made["name"] == "from-scw" and made["endpoints"][0]["public_network"] is not None
    assert scw(meridian, "inference", "deployment", "get", made["id"], region)["id"] == made["id"]
    assert scw(meridian, "inference", "deployment", "delete", made["id"], region)["status"] == "deleting"


def test_scw_says_why_a_key_is_refused(meridian):
    with pytest.raises(Refused, match="(?i)denied authentication"):
        scw(meridian, "inference", "model", "list", f"region={meridian.facts['region']}", secret="11111111-1111-4111-8111-111111111111")


def test_the_javascript_sdk_reads_pages_and_times(meridian):
    read = js(meridian, """
        const api = new scaleway.Inferencev1.API(client);
        const models = await api.listModels().all();
        const first = await api.listModels({ page: 1, pageSize: 1 });
        return { names: models.map((one) => one.name), total: first.totalCount, one: first.models.length,
                 isDate: models[0].createdAt instanceof Date };
    """)
    assert {"tiny", "vectors"} <= set(read["names"]) and read["total"] == len(read["names"])
    assert read["one"] == 1 and read["isDate"]
    with pytest.raises(Refused, match="DeniedAuthenticationError"):
        js(meridian, "return await new scaleway.Inferencev1.API(client).listModels();", secret="11111111-1111-4111-8111-111111111111")
