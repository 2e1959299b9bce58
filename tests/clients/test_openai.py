"""The real OpenAI Python client, unmodified."""
import base64
import json
import struct

import openai
import pytest
from openai import OpenAI

from support.tiny_gguf import SENTENCE

TOOLS = [{"type": "function", "function": {"name": name, "description": name, "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}} for name in ("weather", "population")]
HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture
def client(meridian):
    return OpenAI(base_url=meridian.url + "/v1", api_key=meridian.secret, max_retries=0)


def test_models_are_listed_and_found(client):
    names = [m.id for m in client.models.list()]
    assert {"tiny", "endless", "vectors"} <= set(names)
    assert client.models.retrieve("tiny").owned_by == "meridian"
    with pytest.raises(openai.NotFoundError) as missing:
        client.models.retrieve("nothing")
    assert missing.value.code == "model_not_found"


def test_chat_answers_with_usage_and_receipt(client):
    raw = client.chat.completions.with_raw_response.create(model="tiny", messages=HELLO)
    answer = raw.parse()
    assert answer.choices[0].message.content == SENTENCE
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == "tiny"
    assert answer.object == "chat.completion"
    assert answer.usage.completion_tokens == len(SENTENCE.split()) + 1
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.id == "chatcmpl-" + raw.headers["x-meridian-receipt"]
    assert raw.headers["x-request-id"]
    assert "timings" not in json.loads(raw.text if isinstance(raw.text, str) else raw.text())


def test_a_stream_gives_the_same_words_and_no_usage_unasked(client):
    stream = client.chat.completions.create(model="tiny", messages=HELLO, stream=True)
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == SENTENCE
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(c.usage is None for c in chunks)
    assert {c.model for c in chunks} == {"tiny"}


def test_a_stream_gives_usage_last_when_asked(client):
    chunks = list(client.chat.completions.create(model="tiny", messages=HELLO, stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].choices == []
    assert chunks[-1].usage.completion_tokens == len(SENTENCE.split()) + 1
    assert all(c.usage is None for c in chunks[:-1])


def test_max_tokens_ends_with_length(client):
    for limit in {"max_tokens": 3}, {"max_completion_tokens": 3}:
        answer = client.chat.completions.create(model="tiny", messages=HELLO, **limit)
        assert answer.choices[0].finish_reason == "length"
        assert answer.usage.completion_tokens == 3


def test_several_answers_and_stop_words(client):
    answer = client.chat.completions.create(model="tiny", messages=HELLO, n=2)
    assert [c.message.content for c in answer.choices] == [SENTENCE, SENTENCE]
    stopped = client.chat.completions.create(model="tiny", messages=HELLO, stop=["fixed"])
    assert stopped.choices[0].message.content.strip() == "Meridian answers with this"


def test_tools_are_called(client):
    answer = client.chat.completions.create(model="tiny", messages=HELLO, tools=TOOLS, tool_choice="required", parallel_tool_calls=False)
    call = answer.choices[0].message.tool_calls[0]
    assert answer.choices[0].finish_reason == "tool_calls"
    assert "city" in json.loads(call.function.arguments)


def test_a_named_tool_is_the_one_called(client):
    choice = {"type": "function", "function": {"name": "population"}}
    answer = client.chat.completions.create(model="tiny", messages=HELLO, tools=TOOLS, tool_choice=choice)
    assert [c.function.name for c in answer.choices[0].message.tool_calls] == ["population"]


def test_tool_calls_stream(client):
    stream = client.chat.completions.create(model="tiny", messages=HELLO, tools=TOOLS[:1], tool_choice="required", parallel_tool_calls=False, stream=True)
    arguments = "".join(c.function.arguments or "" for chunk in stream for choice in chunk.choices for c in choice.delta.tool_calls or [])
    assert "city" in json.loads(arguments)


def test_a_tool_result_goes_back(client):
    messages = HELLO + [
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Rome\"}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "sunny"}]
    assert client.chat.completions.create(model="tiny", messages=messages, tools=TOOLS).choices[0].message.content == SENTENCE


def test_json_schema_is_obeyed(client):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}, "words": {"type": "string"}}, "required": ["n", "words"]}
    answer = client.chat.completions.create(model="tiny", messages=HELLO, response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}})
    assert set(json.loads(answer.choices[0].message.content)) == {"n", "words"}


def test_logprobs(client):
    answer = client.chat.completions.create(model="tiny", messages=HELLO, logprobs=True, top_logprobs=2, max_tokens=2)
    content = answer.choices[0].logprobs.content
    assert len(content) == 2 and len(content[0].top_logprobs) == 2 and content[0].logprob <= 0


def test_completions(client):
    answer = client.completions.create(model="tiny", prompt="hello")
    assert answer.choices[0].text.strip() == SENTENCE
    assert answer.object == "text_completion"
    streamed = "".join(c.choices[0].text for c in client.completions.create(model="tiny", prompt="hello", stream=True) if c.choices)
    assert streamed.strip() == SENTENCE


def test_embeddings_as_floats_and_base64(client, meridian):
    both = client.embeddings.create(model="vectors", input=["one", "two"])
    floats = client.embeddings.create(model="vectors", input=["one", "two"], encoding_format="float")
    assert [e.index for e in both.data] == [0, 1]
    assert both.data[0].embedding == pytest.approx(floats.data[0].embedding, abs=1e-6)
    assert both.data[0].embedding != both.data[1].embedding
    status, _, body = meridian.call("POST", "/v1/embeddings", {"model": "vectors", "input": "one", "encoding_format": "base64"})
    assert status == 200
    raw = base64.b64decode(json.loads(body)["data"][0]["embedding"])
    assert struct.unpack(f"<{len(raw) // 4}f", raw) == pytest.approx(floats.data[0].embedding, abs=1e-6)


def test_a_wrong_key_is_an_authentication_error(meridian):
    stranger = OpenAI(base_url=meridian.url + "/v1", api_key="00000000-0000-4000-8000-000000000000", max_retries=0)
    with pytest.raises(openai.AuthenticationError) as refused:
        stranger.models.list()
    assert refused.value.code == "invalid_api_key"
    assert refused.value.request_id


@pytest.mark.parametrize("change, code, param", [
    ({"model": "nothing"}, "model_not_found", "model"),
    ({"messages": []}, "empty_array", "messages"),
    ({"messages": [{"role": "wizard", "content": "x"}]}, "invalid_value", "messages.0.role"),
    ({"temperature": 99}, "invalid_value", "temperature"),
    ({"max_tokens": 0}, "invalid_value", "max_tokens"),
    ({"tool_choice": {"type": "function", "function": {"name": "x"}}}, "invalid_value", "tool_choice"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://169.254.169.254/"}}]}]}, "invalid_value",
     "messages.0.content.0.image_url"),
])
def test_mistakes_are_named(client, change, code, param):
    wish = {"model": "tiny", "messages": HELLO} | change
    with pytest.raises((openai.BadRequestError, openai.NotFoundError)) as refused:
        client.chat.completions.create(**wish)
    assert refused.value.code == code
    assert refused.value.param == param


def test_a_prompt_over_the_context_says_so(client):
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "x" * 200_000}])
    assert refused.value.code == "context_length_exceeded"


def test_an_abandoned_stream_frees_its_slot(client):
    # The endless model has two slots: without a prompt cancel the fourth stream would wait for ever.
    for _ in range(6):
        stream = client.chat.completions.create(model="endless", messages=HELLO, stream=True, max_tokens=100_000)
        next(iter(stream))
        stream.close()
    answer = client.chat.completions.create(model="endless", messages=HELLO, max_tokens=2)
    assert answer.usage.completion_tokens == 2
