"""The one journey with a real model: from its package in the registry to a sensible answer."""
import json

from support.meridian import Meridian


def test_the_shipped_model_answers(tmp_path):
    with Meridian(tmp_path / "data", arguments=["--with", "smollm2-135m-instruct"]) as running:
        assert running.facts["models"] == ["smollm2-135m-instruct"]
        status, headers, body = running.chat(model="smollm2-135m-instruct", content="What is the capital city of France? Answer in one sentence.", temperature=0, max_tokens=32)
        assert status == 200, body
        answer = json.loads(body)
        assert "Paris" in answer["choices"][0]["message"]["content"]
        receipt = running.get("/meridian/v1/receipts?page_size=1")["receipts"][0]
        assert receipt["id"] == headers["X-Meridian-Receipt"]
        assert receipt["model_digest"] == "sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
        assert receipt["cost"] != "0" and receipt["usage"]["output_tokens"] == answer["usage"]["completion_tokens"]
