"""Budgets through the doors that people use: the OpenAI client, many at once, over kills, and a webhook."""
import base64
import concurrent.futures
import hashlib
import hmac
import http.server
import json
import threading
from decimal import Decimal

import openai
import pytest
from openai import OpenAI

from support.meridian import Meridian, until

PRICE = ["--price", "1000,1000"]  # a thousandth of a euro a token
HELLO = [{"role": "user", "content": "hello"}]


def client(meridian):
    return OpenAI(base_url=meridian.url + "/v1", api_key=meridian.secret, max_retries=0)


def budget(meridian, **wish):
    status, _, body = meridian.call("POST", "/meridian/v1/budgets", wish)
    assert status == 201, body
    return json.loads(body)


def receipts(meridian):
    out, token = [], ""
    while token is not None:
        page = meridian.get(f"/meridian/v1/receipts?page_size=500&page_token={token}")
        out += page["receipts"]
        token = page["next_page_token"]
    return out


def spent(meridian):
    return sum(Decimal(receipt["cost"]) for receipt in receipts(meridian))


@pytest.fixture
def priced(fresh):
    fresh.start().add_tiny("answer", "tiny", *PRICE)
    return fresh


def test_the_openai_client_raises_its_own_error(priced):
    made = budget(priced, name="pocket", limit="0.1", period="daily", time_zone="Europe/Warsaw")
    with pytest.raises(openai.RateLimitError) as refused:
        client(priced).chat.completions.create(model="tiny", messages=HELLO, max_tokens=5)
    assert refused.value.code == "insufficient_quota"
    assert "'pocket' of 0.1 EUR" in refused.value.body["message"]
    assert receipts(priced) == []
    priced.call("PATCH", f"/meridian/v1/budgets/{made['id']}", {"limit": "100"})
    raw = client(priced).chat.completions.with_raw_response.create(model="tiny", messages=HELLO, max_tokens=5)
    assert Decimal(raw.headers["x-meridian-cost"]) == spent(priced) > 0
    now = priced.get(f"/meridian/v1/budgets/{made['id']}")
    assert Decimal(now["spent"]) == spent(priced)
    assert Decimal(now["reserved"]) == 0


def test_a_receipt_commits_to_prompt_and_answer(priced):
    prompt = json.dumps({"model": "tiny", "messages": HELLO}).encode()
    status, headers, body = priced.call("POST", "/v1/chat/completions", raw=prompt)
    assert status == 200
    key = base64.b64decode(headers["X-Meridian-Commitment-Key"])
    receipt = next(r for r in receipts(priced) if r["id"] == headers["X-Meridian-Receipt"])

    def code(label, content):
        return base64.b64encode(hmac.new(key, label + b"\0" + content, hashlib.sha256).digest()).decode()

    assert receipt["input_commitment"] == code(b"meridian/input/v1", prompt)
    assert receipt["output_commitment"] == code(b"meridian/output/v1", body)
    assert Decimal(receipt["cost"]) == sum(Decimal(line["amount"]) for line in receipt["cost_lines"])


def test_a_stream_ends_with_length_when_the_money_ends(fresh):
    fresh.start().add_tiny("loop", "endless", *PRICE)
    budget(fresh, limit="1.2")  # what a prompt may have at most, and some hundred tokens
    finish, text = None, 0
    for chunk in client(fresh).chat.completions.create(model="endless", messages=HELLO, stream=True):
        if chunk.choices:
            text += chunk.choices[0].delta.content is not None
            finish = chunk.choices[0].finish_reason or finish
    assert finish == "length"
    assert 0 < text
    assert Decimal(0) < spent(fresh) <= Decimal("1.2")


def test_many_at_once_never_pass_the_limit(priced):
    budget(priced, limit="20", period="total")

    def ask(_):
        try:
            client(priced).chat.completions.create(model="tiny", messages=HELLO, max_tokens=20)
            return True
        except openai.RateLimitError as refused:
            assert refused.code in ("insufficient_quota", "rate_limit_exceeded")
            return False

    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        done = list(pool.map(ask, range(120)))
    assert any(done)
    assert spent(priced) <= 20


def test_kills_lose_no_money(priced):
    made = budget(priced, limit="30", period="total")
    for _ in range(3):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(priced.chat, max_tokens=10) for _ in range(12)]
            until(lambda: any(each.done() for each in asked), "an answer")
            priced.kill()
            concurrent.futures.wait(asked)
        priced.start()
        until(lambda: priced.chat()[0] in (200, 429), "the model answers again")
        now = priced.get(f"/meridian/v1/budgets/{made['id']}")
        assert Decimal(now["spent"]) == spent(priced)
        assert Decimal(now["unaccounted"]) == 0  # what a killed process wrote is there
        assert Decimal(now["reserved"]) == 0


def test_rate_limits_speak_as_the_clients_know(priced):
    status, _, body = priced.call("POST", "/meridian/v1/rate-limits", {"scope": "project", "requests_per_minute": 3, "tokens_per_minute": 100000})
    assert status == 201, body
    limit = json.loads(body)
    raw = client(priced).chat.completions.with_raw_response.create(model="tiny", messages=HELLO, max_tokens=5)
    assert raw.headers["x-ratelimit-limit-requests"] == "3"
    assert raw.headers["x-ratelimit-remaining-requests"] == "2"
    assert int(raw.headers["x-ratelimit-remaining-tokens"]) < 100000
    assert raw.headers["x-ratelimit-reset-requests"].endswith("s")
    with pytest.raises(openai.RateLimitError) as refused:
        for _ in range(4):
            client(priced).chat.completions.create(model="tiny", messages=HELLO, max_tokens=5)
    assert refused.value.code == "rate_limit_exceeded"
    assert "3 requests a minute" in refused.value.body["message"]
    assert int(refused.value.response.headers["retry-after"]) >= 1
    assert priced.get("/meridian/v1/rate-limits")["rate_limits"][0]["id"] == limit["id"]
    assert priced.call("DELETE", f"/meridian/v1/rate-limits/{limit['id']}")[0] == 204
    client(priced).chat.completions.create(model="tiny", messages=HELLO, max_tokens=5)


def test_a_webhook_hears_of_an_alert_once(tmp_path):
    heard = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((dict(self.headers.items()), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    secret = base64.b64encode(b"a secret of the hook").decode()
    with Meridian(tmp_path / "data", arguments=["--egress", "127.0.0.0/8"]) as meridian:
        meridian.add_tiny("answer", "tiny", *PRICE)
        made = budget(meridian, name="told", limit="0.001", hard=False, alerts=[50, 100], webhook_secret="whsec_" + secret,
                      webhook_url=f"http://127.0.0.1:{server.server_port}/hook")
        assert meridian.chat()[0] == 200
        until(lambda: len(heard) >= 2, "both alerts")
        alerts = until(lambda: [a for a in meridian.get(f"/meridian/v1/budgets/{made['id']}/alerts")["alerts"] if a["delivered_at"]] or None, "delivery")
        assert meridian.chat()[0] == 200
        assert {a["percent"] for a in alerts} <= {50, 100}
    for headers, body in heard:
        headers = {k.lower(): v for k, v in headers.items()}
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.new(b"a secret of the hook", signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == "v1," + expected
    assert {json.loads(body)["data"]["percent"] for _, body in heard} == {50, 100}
    assert len(heard) == 2
    server.shutdown()
