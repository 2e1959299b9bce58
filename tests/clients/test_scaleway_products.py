"""What is for sale, as Scaleway's Python and JavaScript SDKs and its command line read it: all of them must say the same."""
import json
import platform
import urllib.request

import pytest
from scaleway import ScalewayException
from scaleway.inference.v1 import InferenceV1API
from scaleway.instance.v1 import InstanceV1API
from scaleway.marketplace.v2 import MarketplaceV2API
from scaleway.product_catalog.v2alpha1 import (
    ListPublicCatalogProductsRequestProductType as ProductType,
    ListPublicCatalogProductsRequestStatus as Status,
    ProductCatalogV2Alpha1PublicCatalogAPI,
    PublicCatalogProductStatus,
)
from support.meridian import Meridian
from support.scaleway import js, scw, sdk


@pytest.fixture(scope="module")
def client(meridian):
    return sdk(meridian)


@pytest.fixture(scope="module")
def products(client):
    return ProductCatalogV2Alpha1PublicCatalogAPI(client)


def stock_of(client):
    """What the three APIs say of each type that can be had, by name."""
    inference = {one.name: one.stock_status for one in InferenceV1API(client).list_node_types_all(include_disabled_types=False)}
    instance = {}
    page = 1
    while answer := InstanceV1API(client).get_server_types_availability(per_page=20, page=page).servers:
        instance |= {name: one.availability for name, one in answer.items()}
        page += 1
    return inference, instance


def test_all_apis_agree_on_what_is_in_stock(client, products):
    inference, instance = stock_of(client)
    words = {"available": "available", "out_of_stock": "shortage"}
    assert {name: words[stock] for name, stock in inference.items()} == instance
    sold = {one.product for one in products.list_public_catalog_products_all(product_types=[ProductType.INSTANCE],
                                                                             status=[Status.GENERAL_AVAILABILITY])}
    assert sold == set(instance)
    # No machine that runs these tests has such GPUs in such numbers.
    assert instance["B300-SXM-8-288G"] == "shortage" and instance["AMPEREONE-192C-768G"] == "shortage"
    assert "available" in instance.values()
    assert not any(name.startswith("MONAKA") for name in instance)


def test_what_is_announced_is_shown_and_cannot_be_had(meridian, client, products):
    hidden = {one.name: one for one in InferenceV1API(client).list_node_types_all(include_disabled_types=True) if one.disabled}
    assert set(hidden) == {"MONAKA-144C", "MONAKA-288C"}
    shown = [one for one in products.list_public_catalog_products_all(zone=meridian.facts["zone"]) if one.product in hidden]
    assert {one.status for one in shown} == {PublicCatalogProductStatus.UNKNOWN_STATUS} and all(one.price is None for one in shown)
    with pytest.raises(ScalewayException) as refused:
        api = InferenceV1API(client)
        model = next(one.id for one in api.list_models_all() if one.name == "tiny")
        api.create_deployment(name="early", model_id=model, node_type_name="MONAKA-144C", endpoints=[])
    assert refused.value.status_code == 400 and "no node type" in str(refused.value)


def test_products_have_hardware_prices_and_pages(meridian, products):
    everything = products.list_public_catalog_products_all(region=meridian.facts["region"])
    assert len({one.sku for one in everything}) == len(everything)
    first = products.list_public_catalog_products(page=1, page_size=10, region=meridian.facts["region"])
    assert len(first.products) == 10 and first.total_count == len(everything)
    h100 = next(one for one in everything if one.product == "H100-SXM-8-80G" and one.properties.instance)
    assert h100.properties.hardware.gpu.count == 8 and h100.properties.hardware.cpu.virtual.count == 128
    assert h100.properties.instance.offer_id == "H100-SXM-8-80G" and h100.locality.zone == meridian.facts["zone"]
    assert (h100.price.retail_price.units, h100.price.retail_price.nanos) == (24, 0) and h100.unit_of_measure.size == 1
    assert h100.environmental_impact_estimation is None, "nobody declared what a kilowatt hour is here"
    replica = next(one for one in everything if one.product == "H100-SXM-8-80G" and one.properties.managed_inference)
    assert replica.properties.managed_inference.deployment.instance_gpu_name == "H100-SXM-8-80G"
    assert any(one.product_category == "Quantum as a Service" for one in everything)


def test_token_prices_are_those_in_force(meridian, products):
    def price(mode, token="input_token"):
        [one] = [one for one in products.list_public_catalog_products_all(product_types=[ProductType.GENERATIVE_APIS])
                 if one.product == "smollm2-135m-instruct" and one.properties.generative_apis.consumption_mode == mode
                 and one.properties.generative_apis.token_type == token]
        assert (one.unit_of_measure.unit, one.unit_of_measure.size) == ("token", 1000)
        assert "chat" in one.properties.generative_apis.tasks
        return one.price.retail_price.nanos

    assert (price("realtime"), price("batch"), price("realtime", "output_token")) == (20_000, 10_000, 40_000)
    status, _, body = meridian.call("POST", "/meridian/v1/prices", {"sku": "smollm2-135m-instruct", "unit": "input_token", "eur": "0.06", "per": 1_000_000})
    assert status == 201, body
    assert price("realtime") == 60_000


def test_the_catalogue_needs_no_key(meridian):
    for path in ("/product-catalog/v2alpha1/public-catalog/products", "/marketplace/v2/images",
                 f"/instance/v1/zones/{meridian.facts['zone']}/products/servers"):
        with urllib.request.urlopen(meridian.url + path) as answer:
            assert answer.status == 200 and answer.headers["Content-Type"] == "application/json"
            assert json.load(answer)


def test_server_types_in_pages_of_the_sdk(client):
    api = InstanceV1API(client)
    first = api.list_servers_types(per_page=5)
    assert len(first.servers) == 5 and int(first.total_count) > 40
    everything = api.list_servers_types(per_page=100).servers
    assert len(everything) == int(first.total_count)
    l4 = everything["L4-1-24G"]
    assert (l4.ncpus, l4.gpu, l4.arch, l4.gpu_info.gpu_name) == (8, 1, "x86_64", "L4") and l4.hourly_price == 0.75
    assert everything["COPARM1-2C-8G"].arch == "arm64" and everything["COPARM1-2C-8G"].gpu_info is None


def test_the_marketplace_lists_partners_applications(meridian, client):
    api = MarketplaceV2API(client)
    images = {one.label: one for one in api.list_images_all(include_eol=False)}
    assert "qiskit-scaleway" in images and "Licence: Apache-2.0" in images["qiskit-scaleway"].description
    assert api.get_image(image_id=images["aider"].id).name == "Aider"
    [version] = api.list_versions(image_id=images["qiskit-scaleway"].id).versions
    assert api.get_version(version_id=version.id).name == "0.3.13"
    locals_ = api.list_local_images(image_label="librechat").local_images
    assert {one.arch for one in locals_} == {"x86_64", "arm64"} and all(one.zone == meridian.facts["zone"] for one in locals_)
    assert api.get_local_image(local_image_id=locals_[0].id).label == "librechat"
    categories = {one.name: one.id for one in api.list_categories_all()}
    assert api.get_category(category_id=categories["Quantum computing"]).name == "Quantum computing"
    with pytest.raises(ScalewayException) as lost:
        api.get_image(image_id="11111111-1111-4111-8111-111111111111")
    assert lost.value.status_code == 404


def test_scw_reads_all_of_it(meridian, client):
    types = {one["name"]: one for one in scw(meridian, "instance", "server-type", "list", f"zone={meridian.facts['zone']}")}
    _, instance = stock_of(client)
    assert {name: one["availability"] for name, one in types.items()} == instance
    assert types["L4-1-24G"]["gpu"] == 1 and types["L4-1-24G"]["cpu"] == 8
    assert types["L4-1-24G"]["hourly_price"] == {"currency_code": "EUR", "units": 0, "nanos": 750_000_000}
    assert types["L4-1-24G"]["bandwidth"] == 2_500_000_000
    listed = {one["label"] for one in scw(meridian, "marketplace", "image", "list")}
    assert {"librechat", "cirq-scaleway"} <= listed
    nodes = scw(meridian, "inference", "node-type", "list", f"region={meridian.facts['region']}", "include-disabled-types=true")
    assert {"MONAKA-144C"} == {one["name"] for one in nodes if one["disabled"]} - {"MONAKA-288C"}
    sold = scw(meridian, "product-catalog", "product", "list", "product-types.0=generative_apis")
    assert any(one["product"] == "smollm2-135m-instruct" for one in sold)


def test_the_javascript_sdk_reads_all_of_it(meridian, client):
    read = js(meridian, """
        const instance = new scaleway.Instancev1.API(client);
        const catalog = new scaleway.ProductCatalogv2alpha1.PublicCatalogAPI(client);
        const market = new scaleway.Marketplacev2.API(client);
        const stock = await instance.getServerTypesAvailability({ perPage: 100 });
        const types = await instance.listServersTypes({ perPage: 100 });
        const products = await catalog.listPublicCatalogProducts({ productTypes: ["instance"], zone: process.env.SCW_DEFAULT_ZONE }).all();
        const images = await market.listImages({ includeEol: false }).all();
        return {
          stock: Object.fromEntries(Object.entries(stock.servers).map(([name, one]) => [name, one.availability])),
          price: types.servers["L4-1-24G"].hourlyPrice, total: types.totalCount,
          gpus: products.find((one) => one.product === "L4-8-24G").properties.hardware.gpu.count,
          labels: images.map((one) => one.label),
        };
    """)
    _, instance = stock_of(client)
    assert read["stock"] == instance and read["price"] == 0.75 and read["gpus"] == 8
    assert read["total"] == len(instance) and "librechat" in read["labels"]


def test_the_cli_shows_tables_and_json(meridian):
    stock = meridian.json("node-types", "list")["node_types"]
    assert stock and all(one["stock_status"] == "available" for one in stock)
    everything = meridian.json("node-types", "list", "--all")["node_types"]
    assert {"MONAKA-144C", "B300-SXM-1-288G"} <= {one["name"] for one in everything}
    table = meridian.cli("node-types", "list", "--all").stdout
    assert "B300-SXM-8-288G" in table and "out_of_stock" in table
    assert len(meridian.json("products", "list")["products"]) > 100
    table = meridian.cli("products", "list", "--type", "generative_apis").stdout
    assert "/ai/generative_apis/consumption/smollm2_135m_instruct_output/" in table and "1000 tokens" in table


OWN_TYPE = """node_types:
  - {name: "OWN-{vcpus}C-{memory_gb}G", family: OWN, arch: %s, basis: what this test says, sizes: [{vcpus: 1, memory_gb: 1}]}
"""
OWN_APPLICATION = """applications:
  - {label: ours, name: Ours, publisher: the operator, licence: MIT, url: "https://example.com/ours", description: A tool of the operator.,
     categories: [development], archs: [x86_64], added: "2026-11-25T00:00:00Z"}
"""


def test_an_operator_brings_types_and_applications(tmp_path):
    own = tmp_path / "catalogue"
    own.mkdir()
    (own / "node-types.yaml").write_text(OWN_TYPE % platform.machine())
    (own / "marketplace.yaml").write_text(OWN_APPLICATION)
    with Meridian(tmp_path / "data", arguments=["--catalogue", str(own)]) as running:
        assert stock_of(sdk(running))[0]["OWN-1C-1G"] == "available"
        assert {"ours", "aider"} <= {one.label for one in MarketplaceV2API(sdk(running)).list_images_all(include_eol=False)}


@pytest.mark.parametrize("text, said", [
    ("node_types:\n  - {name: a}\n", "node_types.0"),
    ("node_types:\n  - {name: a, name: b}\n", "line 2: 'name' is given twice"),
    ("node_types: [\n", "line"),
    (None, "holds neither node-types.yaml nor marketplace.yaml"),
])
def test_a_catalogue_that_cannot_be_read_is_said_at_the_start(tmp_path, text, said):
    own = tmp_path / "catalogue"
    own.mkdir()
    if text is not None:
        (own / "node-types.yaml").write_text(text)
    running = Meridian(tmp_path / "data", arguments=["--catalogue", str(own)])
    with pytest.raises(AssertionError, match="meridian up ended with"):
        running.start()
    assert said in running.log_text()
