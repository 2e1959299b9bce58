#include "inference/chat_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <span>

#include "base/error.h"

namespace meridian::inference {
namespace {

using catalog::Capability;
using testing::UnorderedElementsAre;
using Op = Operation;

std::optional<Error> refusal(Operation operation, std::string_view body) {
    try {
        (void)read_request(operation, body);
        return std::nullopt;
    } catch (const Error& e) {
        return e;
    }
}

// A valid body with some members more.
std::string chat(std::string_view more) { return R"({"model":"m","messages":[{"role":"user","content":"hi"}])" + std::string(more) + "}"; }
std::string messages(std::string_view list) { return R"({"model":"m","messages":)" + std::string(list) + "}"; }

Backend backend() {
    Backend made;
    made.model = "inner";
    return made;
}
Json sent(Operation operation, std::string_view body) { return parse_json(body_for(read_request(operation, body), backend())).value(); }

std::vector<std::string> keys(const Json& object) {
    std::vector<std::string> out;
    for (const auto& each : object.get_object()) out.emplace_back(each.key());
    return out;
}

struct Bad {
    std::string_view says;
    Operation operation;
    std::string body;
    std::string_view code, field;
};

void expect_refused(std::span<const Bad> rows) {
    for (const auto& row : rows) {
        const auto error = refusal(row.operation, row.body);
        ASSERT_TRUE(error) << row.says;
        EXPECT_EQ(error->fault, Fault::invalid) << row.says;
        EXPECT_EQ(error->code, row.code) << row.says;
        EXPECT_EQ(error->fields.empty() ? "" : error->fields.front().name, row.field) << row.says;
        EXPECT_FALSE(error->said.empty()) << row.says;
    }
}

TEST(ChatRequest, RefusesWhatIsNoRequest) {
    const Bad rows[] = {
        {"nothing", Op::chat, "", "invalid_json", ""},
        {"half of a body", Op::chat, R"({"model":)", "invalid_json", ""},
        {"a list", Op::chat, "[]", "invalid_json", ""},
        {"a text", Op::chat, R"("hi")", "invalid_json", ""},
        {"a member twice", Op::chat, R"({"model":"a","model":"b"})", "invalid_json", ""},
        {"broken UTF-8", Op::chat, "{\"model\":\"\xff\"}", "invalid_json", ""},
        {"too deep", Op::chat, std::string(200, '['), "invalid_json", ""},
        {"no model", Op::chat, "{}", "missing_required_parameter", "model"},
        {"null for a model", Op::chat, R"({"model":null})", "missing_required_parameter", "model"},
        {"a number for a model", Op::chat, R"({"model":7})", "invalid_type", "model"},
    };
    expect_refused(rows);
}

TEST(ChatRequest, RefusesBadMessages) {
    const Bad rows[] = {
        {"none", Op::chat, R"({"model":"m"})", "missing_required_parameter", "messages"},
        {"a text", Op::chat, messages(R"("hi")"), "invalid_type", "messages"},
        {"an empty list", Op::chat, messages("[]"), "empty_array", "messages"},
        {"a message that is a text", Op::chat, messages(R"(["hi"])"), "missing_required_parameter", "messages.0.role"},
        {"no role", Op::chat, messages(R"([{"content":"x"}])"), "missing_required_parameter", "messages.0.role"},
        {"an unknown role", Op::chat, messages(R"([{"role":"robot","content":"x"}])"), "invalid_value", "messages.0.role"},
        {"the second is wrong", Op::chat, messages(R"([{"role":"user","content":"x"},{"role":"user"}])"), "missing_required_parameter",
         "messages.1.content"},
        {"a number for content", Op::chat, messages(R"([{"role":"user","content":7}])"), "invalid_type", "messages.0.content"},
        {"a part without type", Op::chat, messages(R"([{"role":"user","content":[{"text":"x"}]}])"), "invalid_type",
         "messages.0.content.0"},
        {"a part of an unknown type", Op::chat, messages(R"([{"role":"user","content":[{"type":"smell"}]}])"), "invalid_value",
         "messages.0.content.0.type"},
        {"a text part without text", Op::chat, messages(R"([{"role":"user","content":[{"type":"text","text":"a"},{"type":"text"}]}])"),
         "missing_required_parameter", "messages.0.content.1.text"},
        {"a picture of elsewhere", Op::chat,
         messages(R"([{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://169.254.169.254/"}}]}])"), "invalid_value",
         "messages.0.content.0.image_url"},
        {"a picture in a file", Op::chat,
         messages(R"([{"role":"user","content":[{"type":"image_url","image_url":{"url":"file:///etc/passwd"}}]}])"), "invalid_value",
         "messages.0.content.0.image_url"},
    };
    expect_refused(rows);
}

TEST(ChatRequest, RefusesBadOptions) {
    const Bad rows[] = {
        {"too hot", Op::chat, chat(R"(,"temperature":2.1)"), "invalid_value", "temperature"},
        {"too cold", Op::chat, chat(R"(,"temperature":-0.1)"), "invalid_value", "temperature"},
        {"hot in words", Op::chat, chat(R"(,"temperature":"1")"), "invalid_type", "temperature"},
        {"top_p over one", Op::chat, chat(R"(,"top_p":1.5)"), "invalid_value", "top_p"},
        {"a penalty", Op::chat, chat(R"(,"frequency_penalty":3)"), "invalid_value", "frequency_penalty"},
        {"another penalty", Op::chat, chat(R"(,"presence_penalty":-3)"), "invalid_value", "presence_penalty"},
        {"no tokens", Op::chat, chat(R"(,"max_tokens":0)"), "invalid_value", "max_tokens"},
        {"half a token", Op::chat, chat(R"(,"max_tokens":1.5)"), "invalid_type", "max_tokens"},
        {"endless tokens", Op::chat, chat(R"(,"max_completion_tokens":1e300)"), "invalid_value", "max_completion_tokens"},
        {"many answers", Op::chat, chat(R"(,"n":129)"), "invalid_value", "n"},
        {"many alternatives", Op::chat, chat(R"(,"logprobs":true,"top_logprobs":21)"), "invalid_value", "top_logprobs"},
        {"stream in words", Op::chat, chat(R"(,"stream":"yes")"), "invalid_type", "stream"},
        {"stream options in words", Op::chat, chat(R"(,"stream":true,"stream_options":"usage")"), "invalid_type", "stream_options"},
        {"usage in words", Op::chat, chat(R"(,"stream":true,"stream_options":{"include_usage":"yes"})"), "invalid_type", "include_usage"},
        {"a format without type", Op::chat, chat(R"(,"response_format":{})"), "missing_required_parameter", "response_format.type"},
        {"an unknown format", Op::chat, chat(R"(,"response_format":{"type":"xml"})"), "invalid_value", "response_format.type"},
        {"a schema without schema", Op::chat, chat(R"(,"response_format":{"type":"json_schema","json_schema":{"name":"x"}})"),
         "missing_required_parameter", "response_format.json_schema"},
    };
    expect_refused(rows);
}

TEST(ChatRequest, RefusesBadTools) {
    const std::string tools = R"(,"tools":[{"type":"function","function":{"name":"a"}}])";
    const Bad rows[] = {
        {"no list", Op::chat, chat(R"(,"tools":{})"), "invalid_type", "tools"},
        {"no function", Op::chat, chat(R"(,"tools":[{"type":"function","function":{"name":"a"}},{"type":"function"}])"),
         "missing_required_parameter", "tools.1"},
        {"no name", Op::chat, chat(R"(,"tools":[{"type":"function","function":{}}])"), "missing_required_parameter", "tools.0"},
        {"a choice without tools", Op::chat, chat(R"(,"tool_choice":{"type":"function","function":{"name":"a"}})"), "invalid_value",
         "tool_choice"},
        {"an unknown word", Op::chat, chat(tools + R"(,"tool_choice":"maybe")"), "invalid_value", "tool_choice"},
        {"an unknown tool", Op::chat, chat(tools + R"(,"tool_choice":{"type":"function","function":{"name":"b"}})"), "invalid_value",
         "tool_choice"},
        {"a choice without a name", Op::chat, chat(tools + R"(,"tool_choice":{"type":"function"})"), "invalid_value", "tool_choice"},
        {"a number for a choice", Op::chat, chat(tools + R"(,"tool_choice":1)"), "invalid_value", "tool_choice"},
    };
    expect_refused(rows);
}

TEST(ChatRequest, RefusesBadPromptsAndInputs) {
    const auto embedding = [](std::string_view more) { return R"({"model":"m")" + std::string(more) + "}"; };
    std::string many = R"(,"input":["a")";
    for (int i = 0; i < 2048; ++i) many += R"(,"a")";
    const Bad rows[] = {
        {"no prompt", Op::completion, R"({"model":"m"})", "missing_required_parameter", "prompt"},
        {"a number for a prompt", Op::completion, R"({"model":"m","prompt":7})", "invalid_type", "prompt"},
        {"a suffix", Op::completion, R"({"model":"m","prompt":"x","suffix":"y"})", "unsupported_parameter", "suffix"},
        {"an echo", Op::completion, R"({"model":"m","prompt":"x","echo":true})", "unsupported_parameter", "echo"},
        {"the best of many", Op::completion, R"({"model":"m","prompt":"x","best_of":3})", "unsupported_parameter", "best_of"},
        {"a hot completion", Op::completion, R"({"model":"m","prompt":"x","temperature":9})", "invalid_value", "temperature"},
        {"no input", Op::embedding, embedding(""), "missing_required_parameter", "input"},
        {"an empty input", Op::embedding, embedding(R"(,"input":"")"), "invalid_value", "input"},
        {"no inputs", Op::embedding, embedding(R"(,"input":[])"), "empty_array", "input"},
        {"too many inputs", Op::embedding, embedding(many + "]"), "invalid_value", "input"},
        {"an object for input", Op::embedding, embedding(R"(,"input":{})"), "invalid_type", "input"},
        {"another size", Op::embedding, embedding(R"(,"input":"x","dimensions":64)"), "unsupported_parameter", "dimensions"},
        {"an unknown encoding", Op::embedding, embedding(R"(,"input":"x","encoding_format":"hex")"), "invalid_value", "encoding_format"},
    };
    expect_refused(rows);
}

TEST(ChatRequest, TakesWhatClientsSend) {
    const std::string picture =
        R"([{"role":"user","content":[{"type":"text","text":"x"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]}])";
    const std::pair<Operation, std::string> rows[] = {
        {Op::chat, chat("")},
        {Op::chat, chat(R"(,"temperature":0,"top_p":1,"max_tokens":1,"n":1,"stream":null,"stop":["a"],"seed":7,"user":"u")")},
        {Op::chat, chat(R"(,"temperature":2,"max_completion_tokens":null,"tools":null,"tool_choice":"none")")},
        {Op::chat, chat(R"(,"tools":[],"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{}}})")},
        {Op::chat,
         messages(
             R"([{"role":"system","content":"x"},{"role":"assistant","content":null,"tool_calls":[]},{"role":"tool","content":"1","tool_call_id":"c"}])")},
        {Op::chat, messages(picture)},
        {Op::completion, R"({"model":"m","prompt":["a","b"],"echo":false,"suffix":null})"},
        {Op::embedding, R"({"model":"m","input":[[1,2],[3]]})"},
    };
    for (const auto& [operation, body] : rows) {
        const auto error = refusal(operation, body);
        EXPECT_FALSE(error) << body << ": " << error->said;
    }
}

TEST(ChatRequest, OnlyKnownFieldsArePassedOn) {
    const auto chat_body = sent(
        Op::chat,
        chat(R"(,"temperature":0.5,"slot_id":3,"cache_prompt":false,"user":"u","metadata":{},"grammar":"root","store":true,"seed":null)"));
    EXPECT_THAT(keys(chat_body), UnorderedElementsAre("messages", "temperature", "model"));
    EXPECT_EQ(chat_body.at("model"), "inner");
    EXPECT_THAT(keys(sent(Op::completion, R"({"model":"m","prompt":"x","messages":[],"tools":[],"echo":false,"max_tokens":3})")),
                UnorderedElementsAre("prompt", "max_tokens", "model"));
    EXPECT_THAT(keys(sent(Op::embedding, R"({"model":"m","input":"x","user":"u","stream":true,"temperature":9})")),
                UnorderedElementsAre("input", "model", "encoding_format"));
}

TEST(ChatRequest, ANamedToolBecomesThatOneToolAndIsRequired) {
    const std::string tools =
        R"(,"tools":[{"type":"function","function":{"name":"a"}},{"type":"function","function":{"name":"b","parameters":{"x":1}}}])";
    const auto named =
        sent(Op::chat, chat(tools + R"(,"tool_choice":{"type":"function","function":{"name":"b"}},"parallel_tool_calls":true)"));
    EXPECT_EQ(named.at("tools"), parse_json(R"([{"type":"function","function":{"name":"b","parameters":{"x":1}}}])").value());
    EXPECT_EQ(named.at("tool_choice"), "required");
    EXPECT_EQ(named.at("parallel_tool_calls"), false);
    for (const auto* word : {"auto", "none", "required"}) {
        const auto left = sent(Op::chat, chat(tools + R"(,"tool_choice":")" + word + "\""));
        EXPECT_EQ(left.at("tool_choice"), word);
        EXPECT_EQ(left.at("tools").as_array().size(), 2u) << word;
        EXPECT_FALSE(left.as_object().contains("parallel_tool_calls")) << word;
    }
}

TEST(ChatRequest, StreamsAlwaysBringUsageAndTheCallersWishIsKept) {
    struct Row {
        std::string_view says, more;
        bool stream, wished;
    };
    const Row rows[] = {
        {"no stream", "", false, false},
        {"false", R"(,"stream":false)", false, false},
        {"a stream", R"(,"stream":true)", true, false},
        {"without usage", R"(,"stream":true,"stream_options":{"include_usage":false})", true, false},
        {"with usage", R"(,"stream":true,"stream_options":{"include_usage":true})", true, true},
        {"empty options", R"(,"stream":true,"stream_options":{})", true, false},
    };
    const Json with_usage = JsonObject{{"include_usage", true}};
    for (const auto& row : rows) {
        const auto asked = read_request(Op::chat, chat(row.more));
        EXPECT_EQ(asked.stream, row.stream) << row.says;
        EXPECT_EQ(asked.include_usage, row.wished) << row.says;
        const auto body = parse_json(body_for(asked, backend())).value();
        EXPECT_EQ(body.as_object().contains("stream_options"), row.stream) << row.says;
        if (row.stream) EXPECT_EQ(body.at("stream_options"), with_usage) << row.says;
    }
}

TEST(ChatRequest, EmbeddingsComeAsFloatsWhateverTheCallerWants) {
    struct Row {
        std::string_view more;
        bool base64;
    };
    const Row rows[] = {{"", false},
                        {R"(,"encoding_format":"float")", false},
                        {R"(,"encoding_format":"base64")", true},
                        {R"(,"encoding_format":null)", false}};
    for (const auto& row : rows) {
        const auto asked = read_request(Op::embedding, R"({"model":"m","input":"x")" + std::string(row.more) + "}");
        EXPECT_EQ(asked.base64_embeddings, row.base64) << row.more;
        EXPECT_EQ(parse_json(body_for(asked, backend()))->at("encoding_format"), "float") << row.more;
    }
}

TEST(ChatRequest, TheLargestSizesAreTaken) {
    std::string inputs = R"({"model":"m","input":["a")";
    for (int i = 1; i < 2048; ++i) inputs += R"(,"a")";
    EXPECT_FALSE(refusal(Op::embedding, inputs + "]}"));
    EXPECT_FALSE(refusal(Op::chat, chat(R"(,"max_tokens":1000000000,"n":128,"top_logprobs":20)")));
    EXPECT_FALSE(refusal(Op::chat, R"({"model":"m","messages":[{"role":"user","content":")" + std::string(1 << 20, 'x') + R"("}]})"));
}

TEST(ChatRequest, AModelIsAskedOnlyForWhatItCan) {
    Served talks, embeds;
    talks.capabilities = {Capability::chat};
    embeds.capabilities = {Capability::embedding};
    const auto refused = [](const Asked& asked, const Served& served) -> std::optional<Error> {
        try {
            check_against(asked, served);
            return std::nullopt;
        } catch (const Error& e) {
            return e;
        }
    };
    const auto plain = read_request(Op::chat, chat(""));
    const auto tools = read_request(Op::chat, chat(R"(,"tools":[{"type":"function","function":{"name":"a"}}])"));
    EXPECT_FALSE(refused(plain, talks));
    EXPECT_EQ(refused(plain, embeds)->code, "unsupported_model");
    EXPECT_EQ(refused(read_request(Op::completion, R"({"model":"m","prompt":"x"})"), talks)->code, "unsupported_model");
    EXPECT_EQ(refused(read_request(Op::embedding, R"({"model":"m","input":"x"})"), talks)->code, "unsupported_model");
    EXPECT_EQ(refused(tools, talks)->fields.front().name, "tools");
    EXPECT_FALSE(refused(read_request(Op::chat, chat(R"(,"tools":[])")), talks)) << "an empty list asks for nothing";
    talks.capabilities.push_back(Capability::tools);
    EXPECT_FALSE(refused(tools, talks));
}

}  // namespace
}  // namespace meridian::inference
