"""The real Scaleway Python SDK against bills, footprint and audit trail: pages, default filters, and sums equal to the receipts'."""
import base64
import csv
import datetime
import io
import json
from decimal import Decimal

import pytest
from openai import OpenAI
from scaleway import Client, ScalewayException
from scaleway.audit_trail.v1alpha1 import AuditTrailV1Alpha1API
from scaleway.billing.v2beta1 import BillingV2Beta1API, ExportInvoicesRequestFileType, InvoiceType
from scaleway.environmental_footprint.v1alpha1 import EnvironmentalFootprintV1Alpha1UserAPI, ReportType
from scaleway.iam.v1alpha1 import IamV1Alpha1API
from support.meridian import until


@pytest.fixture
def client(meridian):
    return Client(access_key=meridian.facts["access_key"], secret_key=meridian.secret, api_url=meridian.url,
                  default_organization_id=meridian.facts["organization_id"], default_project_id=meridian.facts["project_id"],
                  default_region=meridian.facts["region"], default_zone=meridian.facts["zone"])


@pytest.fixture
def chatted(meridian):
    for _ in range(3):
        OpenAI(base_url=meridian.url + "/v1", api_key=meridian.secret).chat.completions.create(
            model="tiny", messages=[{"role": "user", "content": "hello"}])
    return meridian


def euros(money):
    assert money.currency_code == "EUR"
    return Decimal(money.units) + Decimal(money.nanos) / 10**9


def text_of(file):
    return base64.b64decode(file.content).decode()


def costs_of_receipts(meridian):
    total, token = Decimal(0), ""
    while True:
        page = meridian.get(f"/meridian/v1/receipts?page_size=1000&page_token={token}")
        total += sum(Decimal(r["cost"]) for r in page["receipts"])
        token = page["next_page_token"]
        if not token:
            return total


def test_consumptions_and_the_running_months_bill_are_the_receipts(client, chatted):
    api = BillingV2Beta1API(client)
    consumptions = api.list_consumptions_all()
    assert {"Chat completions"} <= {c.product_name for c in consumptions}
    assert all(c.organization_name and c.project_name for c in consumptions)
    bills = api.list_invoices_all()
    assert bills[0].state == "draft" and bills[0].type_ == InvoiceType.PERIODIC
    assert sum(euros(b.total_untaxed) for b in bills) == costs_of_receipts(chatted)
    assert sum(euros(c.value) for c in consumptions) == euros(bills[0].total_untaxed)
    assert api.get_invoice(invoice_id=bills[0].id) == bills[0]
    lines = list(csv.reader(io.StringIO(text_of(api.download_invoice(invoice_id=bills[0].id)))))
    assert Decimal(lines[-1][8]) == euros(bills[0].total_untaxed)
    exported = text_of(api.export_invoices(file_type=ExportInvoicesRequestFileType.CSV))
    assert len(list(csv.reader(io.StringIO(exported)))) == len(bills) + 1
    assert api.list_consumptions(page=999).consumptions == []
    assert api.list_consumptions(category_name="Quantum").total_count + api.list_consumptions(category_name="AI").total_count == len(consumptions)


def test_there_are_no_taxes_discounts_nor_coupons(client):
    api = BillingV2Beta1API(client)
    assert api.list_taxes_all() == [] and api.list_discounts_all() == []
    with pytest.raises(ScalewayException) as refused:
        api.redeem_coupon(code="FREE")
    assert refused.value.status_code == 412 and refused.value.response.json()["type"] == "precondition_failed"
    with pytest.raises(ScalewayException) as hidden:
        api.list_invoices(organization_id="00000000-0000-4000-8000-000000000000")
    assert hidden.value.status_code == 404


def test_an_unknown_footprint_is_none_and_not_zero(client, chatted):
    api = EnvironmentalFootprintV1Alpha1UserAPI(client)
    data = api.get_impact_data()
    assert data.total_impact is None, "nobody declared what a kilowatt hour stands for"
    skus = [s for p in data.projects for r in p.regions for z in r.zones for s in z.skus]
    assert "/chat/tiny" in {s.sku for s in skus} and all(s.total_sku_impact is None for s in skus)
    assert api.get_impact_report_availability().month_summary_reports == [], "no month has ended yet"
    file = text_of(api.download_impact_report(type_=ReportType.MONTHLY, date=datetime.datetime.now(datetime.timezone.utc)))
    assert file.startswith("month,project_id")
    known = chatted.get("/meridian/v1/footprint")
    assert known["runs"] >= 3 and known["kg_co2_equivalent"] is None


def test_every_change_is_in_the_audit_trail(client, meridian):
    iam = IamV1Alpha1API(client)
    made = iam.create_api_key(description="for the trail", user_id=iam.get_api_key(access_key=meridian.facts["access_key"]).user_id)
    iam.delete_api_key(access_key=made.access_key)
    api = AuditTrailV1Alpha1API(client)

    def both():
        found = api.list_events(resource_id=made.access_key).events
        return found if len(found) == 2 else None

    deleted, created = until(both, "both changes are in the log")
    assert (created.method_name, deleted.method_name) == ("CreateAPIKey", "DeleteAPIKey")
    assert created.source_ip == "127.0.0.1" and created.product_name == "iam" and created.status_code == 200
    assert created.resources[0].type_ == "iam_api_key" and created.resources[0].action == "create"
    assert created.principal.id == iam.get_api_key(access_key=meridian.facts["access_key"]).user_id
    page = api.list_events(page_size=1)
    assert len(page.events) == 1 and page.next_page_token
    assert api.list_events(page_size=1, page_token=page.next_page_token).events[0].id != page.events[0].id
    assert api.list_authentication_events().events == []
    assert any(p.name == "iam" for p in api.list_products().products)
    assert len(api.list_combined_events().events) >= 2
    everything = meridian.get("/meridian/v1/changes?page_size=1000")["changes"]
    assert {("CreateDeployment", "tiny"), ("AddModel", "tiny")} <= {(c["operation"], c["name"]) for c in everything}
    native = meridian.get("/meridian/v1/changes?resource=" + made.access_key)["changes"]
    assert [c["operation"] for c in native] == ["DeleteAPIKey", "CreateAPIKey"]
    assert native[1]["before"] is None and native[0]["after"] is None and native[0]["before"] == native[1]["after"]


def test_a_refused_change_is_in_the_audit_trail_with_its_status(client, meridian):
    status, _, answer = meridian.call("POST", "/iam/v1alpha1/api-keys", {"role": "observer", "description": "for the trail"})
    assert status == 200, answer
    observer = json.loads(answer)
    watching = Client(access_key=observer["access_key"], secret_key=observer["secret_key"], api_url=meridian.url,
                      default_organization_id=meridian.facts["organization_id"], default_project_id=meridian.facts["project_id"],
                      default_region=meridian.facts["region"], default_zone=meridian.facts["zone"])
    with pytest.raises(ScalewayException) as denied:
        IamV1Alpha1API(watching).delete_api_key(access_key=meridian.facts["access_key"])
    assert denied.value.status_code == 403
    api = AuditTrailV1Alpha1API(client)
    refused = until(lambda: api.list_events(status=403, resource_id=meridian.facts["access_key"]).events, "the refusal is in the log")[0]
    assert refused.method_name == "DeleteAPIKey" and refused.status_code == 403 and refused.resources[0].type_ == "iam_api_key"
    assert refused.resources[0].deleted_at is None and not api.list_events(status=200, resource_id=meridian.facts["access_key"]).events


def test_every_route_that_changes_something_leaves_its_change(meridian):
    """One call of each kind of the control plane; what it is called in the log."""
    region = meridian.facts["region"]

    def call(method, path, body=None):
        status, _, answer = meridian.call(method, path, body)
        assert status < 300, (method, path, status, answer)
        return json.loads(answer) if answer else {}

    project = call("POST", "/account/v3/projects", {"name": "recorded", "description": ""})
    call("PATCH", f"/account/v3/projects/{project['id']}", {"description": "more"})
    deployments = f"/inference/v1/regions/{region}"
    tiny = next(d for d in call("GET", deployments + "/deployments")["deployments"] if d["name"] == "tiny")
    call("PATCH", f"{deployments}/deployments/{tiny['id']}", {"tags": ["recorded"]})
    endpoint = call("POST", deployments + "/endpoints", {"deployment_id": tiny["id"], "endpoint": {"disable_auth": False, "public_network": {}}})
    call("DELETE", f"{deployments}/endpoints/{endpoint['id']}")
    budget = call("POST", "/meridian/v1/budgets", {"name": "recorded", "limit": "1000"})
    call("DELETE", f"/meridian/v1/budgets/{budget['id']}")
    limit = call("POST", "/meridian/v1/rate-limits", {"requests_per_minute": 1_000_000})
    call("DELETE", f"/meridian/v1/rate-limits/{limit['id']}")
    call("POST", "/meridian/v1/prices", {"sku": "recorded", "unit": "input_token", "eur": "1", "per": 1_000_000})
    call("DELETE", f"/account/v3/projects/{project['id']}")

    wanted = {"CreateProject", "UpdateProject", "DeleteProject", "CreateDeployment", "UpdateDeployment", "CreateEndpoint", "DeleteEndpoint",
              "CreateBudget", "DeleteBudget", "CreateRateLimit", "DeleteRateLimit", "AddPrice"}
    until(lambda: wanted <= {c["operation"] for c in meridian.get("/meridian/v1/changes?page_size=1000")["changes"]}, "every change is in the log")
