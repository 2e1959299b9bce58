"""GPUs and runtimes that need them. The nvidia-smi and the vLLM here are stand-ins of these tests: no GPU is touched."""
import json
import os
import pathlib

import pytest

from support.meridian import Meridian, models_directory, until

SMI = """#!/bin/sh
echo "0, GPU-00000000-0000-0000-0000-000000000000, NVIDIA L4, 23034"
echo "1, GPU-11111111-1111-1111-1111-111111111111, NVIDIA L4, 23034"
"""


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A Meridian that believes to be on a host with two GPUs."""
    bin = tmp_path / "vllm" / "bin"
    bin.mkdir(parents=True)
    (bin / "nvidia-smi").write_text(SMI)
    (bin / "nvidia-smi").chmod(0o755)
    fake = pathlib.Path(__file__).parent.parent / "support" / "fake_vllm.py"
    (bin / "vllm").write_text(fake.read_text())
    (bin / "vllm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin}:{os.environ['PATH']}")
    with Meridian(tmp_path / "data", arguments=["--runtime", f"vllm={bin / 'vllm'}"]) as running:
        running.cli("models", "add", str(models_directory() / "answer.gguf"), "--name", "tiny", "--slots", "2", "--context", "512")
        yield running


def facts(host, model="tiny"):
    status, _, body = host.chat(model)
    assert status == 200, body
    return json.loads(json.loads(body)["choices"][0]["message"]["content"])


def deployment(host, id):
    return host.get(f"/inference/v1/regions/{host.facts['region']}/deployments/{id}")


def test_a_gpu_node_type_starts_the_runtime_that_uses_it(host):
    types = host.get(f"/inference/v1/regions/{host.facts['region']}/node-types")["node_types"]
    assert [(t["name"], t["gpus"]) for t in types if t["name"].startswith("GPU-")] == [("GPU-L4-1", 1), ("GPU-L4-2", 2)]
    offered = {t["name"] for t in types if t["stock_status"] == "available"}
    assert {"GPU-L4-1", "GPU-L4-2"} <= offered and not any(name.startswith("H100") for name in offered)
    host.json("deploy", "tiny", "--node-type", "GPU-L4-1", "--wait")
    seen = facts(host)
    assert seen["name"] == "tiny" and seen["magic"] == "GGUF" and seen["context"] == 512 and seen["slots"] == 2 and seen["gpus"] == 1
    assert seen["visible"] in ("0", "1") and seen["cpus"]
    status, _, body = host.chat("tiny", stream=True)
    assert status == 200 and b"stream" in body and body.endswith(b"data: [DONE]\n\n")
    assert b"usage" not in body, "the client did not ask for it"
    receipts = host.get("/meridian/v1/receipts?page_size=100&page_token=")["receipts"]
    assert len(receipts) == 2


def test_gpus_are_taken_once_and_given_back(host):
    first = host.json("deploy", "tiny", "--name", "both", "--node-type", "GPU-L4-2", "--wait")
    assert facts(host)["visible"] in ("0,1",)
    second = host.json("deploy", "tiny", "--name", "one", "--node-type", "GPU-L4-1")
    failed = until(lambda: (d := deployment(host, second["id"]))["status"] == "error" and d, "there is no GPU for it")
    assert "0 of 2 GPUs free" in failed["error_message"]
    host.cli("undeploy", first["id"])
    until(lambda: host.call("GET", f"/inference/v1/regions/{host.facts['region']}/deployments/{first['id']}")[0] == 404, "the first is gone")
    status, _, _ = host.call("PATCH", f"/inference/v1/regions/{host.facts['region']}/deployments/{second['id']}", {"name": "again"})
    assert status == 200
    until(lambda: deployment(host, second["id"])["status"] == "ready", "the GPUs are free again")
    assert facts(host)["gpus"] == 1


def test_more_replicas_than_gpus_leave_those_that_run_alone(host):
    made = host.json("deploy", "tiny", "--node-type", "GPU-L4-1", "--wait")
    path = f"/inference/v1/regions/{host.facts['region']}/deployments/{made['id']}"
    assert host.call("PATCH", path, {"min_size": 3, "max_size": 3})[0] == 200
    full = until(lambda: (d := deployment(host, made["id"]))["status"] == "ready" and d["size"] == 2 and d, "both GPUs serve")
    full = until(lambda: (d := deployment(host, made["id"]))["error_message"] and d, "why there is no third is said")
    assert full["status"] == "ready" and "2 of 3 replicas run" in full["error_message"]
    assert facts(host)["gpus"] == 1


def test_a_runtime_that_is_not_there_is_said_at_the_start(tmp_path):
    for given, words in (("vllm=/no/such/vllm", "is not there"), ("ollama=/bin/true", "names no runtime"), (str(tmp_path / "none.json"), "cannot be read")):
        with pytest.raises(AssertionError) as refused:
            Meridian(tmp_path / "data", arguments=["--runtime", given]).start()
        assert words in str(refused.value)


def test_an_operator_describes_a_runtime(host, tmp_path):
    program = tmp_path / "vllm" / "bin" / "vllm"
    described = tmp_path / "runtimes.json"
    described.write_text(json.dumps([{
        "name": "mine", "program": str(program), "serves": ["gguf"], "environment": ["VLLM_API_KEY={secret}"],
        "arguments": ["serve", "{model}", "--uds", "{socket}", "--served-model-name", "{name}", "--max-model-len", "{slot_context}",
                      "--max-num-seqs", "{slots}", "--tensor-parallel-size", "{gpus}"]}]))
    with Meridian(tmp_path / "other", arguments=["--runtime", str(described)]) as other:
        other.add_tiny("answer", "tiny")
        seen = facts(other)
        assert seen["gpus"] == 0 and seen["visible"] is None
