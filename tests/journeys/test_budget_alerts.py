"""Scaleway's billing/v2 with the core of Scaleway's own SDK, and alerts that reach a webhook and a mail program of the host."""
import email
import email.policy
import http.server
import json
import pathlib
import stat
import sys
import threading

import pytest
from scaleway import Client, ScalewayException
from scaleway_core.api import API
from scaleway_core.bridge import unmarshal_Money
from scaleway_core.utils import fetch_all_pages

from support.meridian import Meridian, until

PRICE = ["--price", "1000,1000"]  # a thousandth of a euro a token


class Billing(API):
    """What the SDK generates for an API, by hand: billing/v2 is not in its packages yet."""

    def ask(self, method, path, body=None, **params):
        answer = self._request(method, "/billing/v2/" + path, params=params, body=body)
        self._throw_on_error(answer)
        return answer.json() if answer.status_code != 204 else None

    def list_budgets(self, *, page=None, page_size=None):
        answer = self.ask("GET", "budgets", page=page, page_size=page_size, organization_id=self.client.default_organization_id)
        return type("ListBudgetsResponse", (), answer)

    def list_budgets_all(self):
        return fetch_all_pages(type=None, key="budgets", fetcher=self.list_budgets, args={"page_size": 2})

    def create_budget(self, euros, enabled=True):
        return self.ask("POST", "budgets", {"organization_id": self.client.default_organization_id, "consumption_limit": euros, "enabled": enabled})

    def create_alert(self, budget, threshold):
        return self.ask("POST", "budget-alerts", {"budget_id": budget["id"], "threshold": threshold})

    def notify(self, alert, **recipients):
        return self.ask("POST", "budget-alert-notifications", {"budget_alert_id": alert["id"], **recipients})


def billing(meridian):
    return Billing(Client(access_key=meridian.facts["access_key"], secret_key=meridian.secret, api_url=meridian.url,
                          default_organization_id=meridian.facts["organization_id"], default_project_id=meridian.facts["project_id"],
                          default_region=meridian.facts["region"], default_zone=meridian.facts["zone"]))


def refusal(call, *arguments, **more):
    with pytest.raises(ScalewayException) as refused:
        call(*arguments, **more)
    return refused.value.status_code, refused.value.response.json()


class Hook:
    """A webhook that writes down what it hears."""

    def __init__(self):
        heard = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.heard = heard
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()


def mail_program(directory):
    """Stores each message with its arguments and environment."""
    program = pathlib.Path(directory) / "a mailer"
    program.write_text(f"""#!{sys.executable}
import json, os, pathlib, sys
at = pathlib.Path({str(directory)!r})
part = at / f"{{os.getpid()}}.part"
part.write_text(json.dumps({{"arguments": sys.argv[1:], "environment": sorted(os.environ), "message": sys.stdin.read()}}))
part.rename(part.with_suffix(".json"))
""")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def test_budgets_as_scaleways_sdk_would(fresh):
    api = billing(fresh.start())
    assert api.list_budgets_all() == []
    made = [api.create_budget(euros) for euros in (10, 20, 30)]
    assert [b["id"] for b in api.list_budgets_all()] == [b["id"] for b in made]
    assert api.list_budgets(page_size=1).total_count == 3
    one = api.ask("GET", f"budgets/{made[0]['id']}")
    money = unmarshal_Money(one["consumption_limit"])
    assert (money.currency_code, money.units, money.nanos) == ("EUR", 10, 0)
    assert one["enabled"] is True and one["alerts"] == [] and one["organization_id"] == fresh.facts["organization_id"]
    changed = api.ask("PATCH", f"budgets/{one['id']}", {"consumption_limit": 12, "enabled": False})
    assert changed["consumption_limit"]["units"] == 12 and changed["enabled"] is False
    alert = api.create_alert(one, 80)
    told = api.notify(alert, webhook_urls=["https://hooks.example.org/a", "https://hooks.example.org/b"])
    assert told["type"] == "webhook" and len(told["recipients"]) == 2
    told = api.ask("PATCH", f"budget-alert-notifications/{told['id']}", {"webhook_urls": ["https://hooks.example.org/c"]})
    alert = api.ask("PATCH", f"budget-alerts/{alert['id']}", {"threshold": 90})
    assert alert["threshold"] == 90 and alert["notifications"] == [told]
    assert api.ask("GET", f"budgets/{one['id']}")["alerts"] == [alert]
    # A budget of our own API with the same scope and period is one of these; its alerts have ids and take recipients.
    status, _, body = fresh.call("POST", "/meridian/v1/budgets", {"name": "ours", "limit": "0.5", "alerts": [50, 100]})
    assert status == 201, body
    ours = api.list_budgets_all()[-1]
    assert ours["id"] == json.loads(body)["id"] and ours["consumption_limit"] == {"currency_code": "EUR", "units": 0, "nanos": 500000000}
    assert [a["threshold"] for a in ours["alerts"]] == [50, 100]
    changes = until(lambda: [c for c in fresh.get("/meridian/v1/changes?page_size=100")["changes"] if "Alert" in c["operation"]][3:] or None, "changes")
    assert changes
    fresh.stop()
    fresh.start()
    assert api.ask("GET", f"budgets/{one['id']}")["alerts"] == [alert]
    assert api.ask("DELETE", f"budget-alert-notifications/{told['id']}") is None
    assert api.ask("DELETE", f"budget-alerts/{alert['id']}") is None
    for budget in api.list_budgets_all():
        assert api.ask("DELETE", f"budgets/{budget['id']}") is None
    assert api.list_budgets_all() == []


def test_what_cannot_be_is_refused_in_scaleways_words(fresh):
    api = billing(fresh.start())
    budget = api.create_budget(10)
    alert = api.create_alert(budget, 50)
    status, body = refusal(api.create_alert, budget, 50)
    assert (status, body["type"]) == (409, "already_exists")
    status, body = refusal(api.create_alert, budget, 0)
    assert (status, body["type"]) == (400, "invalid_arguments") and body["details"][0]["argument_name"] == "threshold"
    status, body = refusal(api.notify, alert, sms_phone_numbers=["+33600000000"])
    assert status == 400 and "no text messages" in body["details"][0]["help_message"]
    status, body = refusal(api.notify, alert, email_addresses=["a@example.org"])
    assert status == 400 and "--mail-hook" in body["details"][0]["help_message"]
    status, body = refusal(api.ask, "GET", "budgets/00000000-0000-4000-8000-000000000000")
    assert (status, body["type"], body["resource"]) == (404, "not_found", "budget")
    api.client.secret_key = "00000000-0000-4000-8000-000000000000"
    status, body = refusal(api.list_budgets)
    assert (status, body["type"]) == (401, "denied_authentication")


def test_an_alert_reaches_a_webhook_and_a_mailbox_once(tmp_path):
    box = tmp_path / "box"
    box.mkdir()

    with Hook() as hook, Meridian(tmp_path / "data", arguments=["--egress", "127.0.0.0/8", "--mail-hook", str(mail_program(box))]) as meridian:
        meridian.add_tiny("answer", "tiny", *PRICE)
        api = billing(meridian)
        budget = api.create_budget(0)  # made larger below, in our own API, which knows cents
        alert = api.create_alert(budget, 50)
        api.notify(alert, webhook_urls=[hook.url + "a"])
        api.notify(alert, email_addresses=["a@example.org", "b@example.org"])
        status, _, body = meridian.call("PATCH", f"/meridian/v1/budgets/{budget['id']}", {"limit": "0.001", "name": "pocket money"})
        assert status == 200, body
        assert meridian.chat()[0] == 200, "a budget of billing/v2 tells and refuses nobody"

        def delivered():
            alerts = meridian.get(f"/meridian/v1/budgets/{budget['id']}/alerts")["alerts"]
            return alerts if alerts and all(d["delivered_at"] for d in alerts[0]["deliveries"]) else None

        alerts = until(delivered, "webhook and mail program took it")
        assert [a["percent"] for a in alerts] == [50]
        assert sorted((d["channel"], d["recipient"]) for d in alerts[0]["deliveries"]) == [
            ("email", "a@example.org"), ("email", "b@example.org"), ("webhook", hook.url + "a")]
        assert meridian.chat()[0] == 200
    assert [h["data"]["budget_id"] for h in hook.heard] == [budget["id"]], "once"
    got = [json.loads(file.read_text()) for file in box.glob("*.json")]
    assert len(got) == 2, "each once"
    messages = [email.message_from_string(g["message"], policy=email.policy.default) for g in got]
    assert sorted({m["To"] for m in messages}) == ["a@example.org", "b@example.org"]
    assert all(g["arguments"] == ["-t", "-i"] and set(g["environment"]) <= {"HOME", "PATH", "LC_CTYPE"} for g in got)
    for message in messages:
        assert message["Subject"] == "Budget alert: 50 percent of 0.001 EUR are spent"
        assert "'pocket money'" in message.get_content() and budget["id"] in message.get_content()
        assert message["Message-ID"] == messages[0]["Message-ID"]
