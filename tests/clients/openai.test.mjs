import assert from "node:assert/strict";
import test from "node:test";
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.MERIDIAN_URL + "/v1", apiKey: process.env.MERIDIAN_SECRET_KEY, maxRetries: 0 });
const messages = [{ role: "user", content: "hello" }];

test("models are listed", async () => {
  const names = [];
  for await (const model of await client.models.list()) names.push(model.id);
  assert.ok(names.includes("tiny"));
});

test("chat answers, with its receipt in a header", async () => {
  const { data, response } = await client.chat.completions.create({ model: "tiny", messages }).withResponse();
  assert.equal(data.choices[0].finish_reason, "stop");
  assert.match(data.choices[0].message.content, /^Meridian answers/);
  assert.equal("chatcmpl-" + response.headers.get("x-meridian-receipt"), data.id);
});

test("a stream gives the same words and usage", async () => {
  const whole = await client.chat.completions.create({ model: "tiny", messages });
  const stream = await client.chat.completions.create({ model: "tiny", messages, stream: true, stream_options: { include_usage: true } });
  let words = "", usage = null;
  for await (const chunk of stream) {
    words += chunk.choices[0]?.delta?.content ?? "";
    usage = chunk.usage ?? usage;
  }
  assert.equal(words, whole.choices[0].message.content);
  assert.equal(usage.completion_tokens, whole.usage.completion_tokens);
});

test("the client's own parser reads a schema's answer", async () => {
  const schema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"], additionalProperties: false };
  const answer = await client.chat.completions.create({ model: "tiny", messages, response_format: { type: "json_schema", json_schema: { name: "x", schema } } });
  assert.equal(typeof JSON.parse(answer.choices[0].message.content).n, "number");
});

test("embeddings come as numbers", async () => {
  const answer = await client.embeddings.create({ model: "vectors", input: "one" });
  assert.ok(answer.data[0].embedding.length > 8);
  assert.ok(answer.data[0].embedding.every(Number.isFinite));
});

test("mistakes raise the client's own classes", async () => {
  await assert.rejects(client.chat.completions.create({ model: "nothing", messages }), (error) => error instanceof OpenAI.NotFoundError && error.code === "model_not_found");
  const stranger = new OpenAI({ baseURL: process.env.MERIDIAN_URL + "/v1", apiKey: "wrong", maxRetries: 0 });
  await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
});
