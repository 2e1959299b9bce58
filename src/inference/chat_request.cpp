#include "inference/chat_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/serializer.hpp>
#include <cmath>
#include <optional>
#include <span>

#include "base/error.h"

namespace meridian::inference {
namespace {

constexpr std::size_t arena_first = 1024;  // enough for a short request; thousands of streams hold theirs to their end

constexpr std::array chat_fields = {
    "messages",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "max_tokens",
    "max_completion_tokens",
    "n",
    "presence_penalty",
    "response_format",
    "seed",
    "stop",
    "stream",
    "stream_options",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "repeat_penalty",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "reasoning_effort",
    "chat_template_kwargs",
};
constexpr std::array completion_fields = {
    "prompt", "frequency_penalty", "logit_bias",  "logprobs", "max_tokens", "n",     "presence_penalty", "seed", "stop",
    "stream", "stream_options",    "temperature", "top_p",    "top_k",      "min_p", "repeat_penalty",
};
constexpr std::array embedding_fields = {"input"};
constexpr std::array roles = {"system", "developer", "user", "assistant", "tool", "function"};

[[noreturn]] void refuse(std::string field, std::string said, std::string code = "invalid_value") {
    throw Error(Fault::invalid, said)
        .with_code(std::move(code))
        .with({std::move(field), FieldProblem::Reason::constraint, std::move(said)});
}

const Json* present(const JsonObject& body, std::string_view key) {
    const auto* value = body.if_contains(key);
    return value && !value->is_null() ? value : nullptr;
}

bool flag(const JsonObject& body, std::string_view key) {
    const auto* value = present(body, key);
    if (!value) return false;
    if (!value->is_bool()) refuse(std::string(key), std::string("'") + std::string(key) + "' must be true or false.", "invalid_type");
    return value->get_bool();
}

std::optional<double> number(const JsonObject& body, std::string_view key, double low, double high) {
    const auto* value = present(body, key);
    if (!value) return std::nullopt;
    if (!value->is_number()) refuse(std::string(key), std::string("'") + std::string(key) + "' must be a number.", "invalid_type");
    const double n = value->to_number<double>();
    if (!(n >= low && n <= high)) {
        refuse(std::string(key), fmt::format("'{}' must be between {} and {}.", key, low, high));
    }
    return n;
}

std::optional<std::int64_t> whole(const JsonObject& body, std::string_view key, double low, double high) {
    const auto n = number(body, key, low, high);
    if (n && std::trunc(*n) != *n) refuse(std::string(key), fmt::format("'{}' must be a whole number.", key), "invalid_type");
    return n ? std::optional(static_cast<std::int64_t>(*n)) : std::nullopt;
}

void check_content_part(const Json& part, const std::string& where) {
    const auto* type = text_member(part, "type");
    if (!type) refuse(where, "Each content part needs a 'type', such as \"text\".", "invalid_type");
    if (view(*type) == "text") {
        if (!text_member(part, "text")) refuse(where + ".text", "A text part needs its 'text'.", "missing_required_parameter");
        return;
    }
    if (view(*type) == "image_url") {
        const auto* image = member(part, "image_url");
        const auto* url = image ? text_member(*image, "url") : nullptr;
        // A remote URL would make the runtime fetch it, past the operator's egress rules.
        if (!url || !view(*url).starts_with("data:"))
            refuse(where + ".image_url", "Send images as data: URLs; remote URLs are not fetched.");
        return;
    }
    refuse(where + ".type", "This content part's type is not supported here; use \"text\" or \"image_url\".");
}

void check_messages(const JsonObject& body) {
    const auto* messages = present(body, "messages");
    if (!messages) refuse("messages", "'messages' is required: a list of {role, content}.", "missing_required_parameter");
    if (!messages->is_array()) refuse("messages", "'messages' must be a list.", "invalid_type");
    if (messages->get_array().empty()) refuse("messages", "'messages' must hold at least one message.", "empty_array");
    std::size_t i = 0;
    for (const auto& message : messages->get_array()) {
        const std::string where = fmt::format("messages.{}", i++);
        const auto* role = text_member(message, "role");
        if (!role) refuse(where + ".role", "Each message needs a 'role'.", "missing_required_parameter");
        if (std::ranges::find(roles, view(*role)) == roles.end()) {
            refuse(where + ".role", "Unknown role; use system, developer, user, assistant or tool.");
        }
        const auto* content = member(message, "content");
        if (!content || content->is_null()) {
            if (view(*role) != "assistant") refuse(where + ".content", "This message needs 'content'.", "missing_required_parameter");
        } else if (content->is_array()) {
            std::size_t p = 0;
            for (const auto& part : content->get_array()) check_content_part(part, fmt::format("{}.content.{}", where, p++));
        } else if (!content->is_string()) {
            refuse(where + ".content", "'content' must be a text or a list of parts.", "invalid_type");
        }
    }
}

void check_tools(const JsonObject& body) {
    const auto* tools = present(body, "tools");
    const auto* choice = present(body, "tool_choice");
    if (!tools) {
        if (choice && choice->is_object()) refuse("tool_choice", "'tool_choice' names a tool, but 'tools' is missing.");
        return;
    }
    if (!tools->is_array()) refuse("tools", "'tools' must be a list.", "invalid_type");
    std::size_t i = 0;
    for (const auto& tool : tools->get_array()) {
        const auto* function = member(tool, "function");
        if (!function || !text_member(*function, "name")) {
            refuse(fmt::format("tools.{}", i), "Each tool needs {\"type\":\"function\",\"function\":{\"name\":...}}.",
                   "missing_required_parameter");
        }
        ++i;
    }
    if (!choice) return;
    if (choice->is_string()) {
        const auto word = view(choice->get_string());
        if (word != "auto" && word != "none" && word != "required")
            refuse("tool_choice", "'tool_choice' must be auto, none, required or a named function.");
        return;
    }
    const auto* function = member(*choice, "function");
    const auto* wanted = function ? text_member(*function, "name") : nullptr;
    const bool known = wanted && std::ranges::any_of(tools->get_array(), [&](const Json& t) {
                           return *text_member(*member(t, "function"), "name") == *wanted;
                       });
    if (!known) refuse("tool_choice", "'tool_choice' must name one of 'tools'.");
}

void check_prompt(const JsonObject& body) {
    const auto* prompt = present(body, "prompt");
    if (!prompt) refuse("prompt", "'prompt' is required.", "missing_required_parameter");
    if (!prompt->is_string() && !prompt->is_array()) refuse("prompt", "'prompt' must be a text or a list.", "invalid_type");
    for (const char* unsupported : {"suffix", "echo", "best_of"}) {
        const auto* value = present(body, unsupported);
        if (value && !(value->is_bool() && !value->get_bool())) {
            refuse(unsupported, fmt::format("'{}' is not supported by this endpoint; leave it out.", unsupported), "unsupported_parameter");
        }
    }
}

void check_input(const JsonObject& body, Asked& asked) {
    const auto* input = present(body, "input");
    if (!input) refuse("input", "'input' is required: a text or a list of texts.", "missing_required_parameter");
    if (input->is_array()) {
        if (input->get_array().empty()) refuse("input", "'input' must hold at least one text.", "empty_array");
        if (input->get_array().size() > 2048) refuse("input", "'input' may hold at most 2048 texts; send several requests.");
    } else if (!input->is_string()) {
        refuse("input", "'input' must be a text or a list of texts.", "invalid_type");
    } else if (input->get_string().empty()) {
        refuse("input", "'input' must not be empty.");
    }
    if (present(body, "dimensions"))
        refuse("dimensions", "This model's embeddings have a fixed size; leave 'dimensions' out.", "unsupported_parameter");
    if (const auto* format = present(body, "encoding_format")) {
        if (!format->is_string() || (view(format->get_string()) != "float" && view(format->get_string()) != "base64")) {
            refuse("encoding_format", "'encoding_format' must be float or base64.");
        }
        asked.base64_embeddings = view(format->get_string()) == "base64";
    }
}

void check_response_format(const JsonObject& body) {
    const auto* format = present(body, "response_format");
    if (!format) return;
    const auto* type = text_member(*format, "type");
    if (!type)
        refuse("response_format.type", "'response_format' needs a 'type': text, json_object or json_schema.", "missing_required_parameter");
    const auto word = view(*type);
    if (word == "text" || word == "json_object") return;
    if (word != "json_schema") refuse("response_format.type", "'response_format.type' must be text, json_object or json_schema.");
    const auto* schema = member(*format, "json_schema");
    const auto* inner = schema ? member(*schema, "schema") : nullptr;
    if (!inner || !inner->is_object())
        refuse("response_format.json_schema", "'json_schema' needs a 'schema' object.", "missing_required_parameter");
}

std::span<const char* const> fields_of(Operation operation) {
    switch (operation) {
        case Operation::chat:
            return chat_fields;
        case Operation::completion:
            return completion_fields;
        case Operation::embedding:
            return embedding_fields;
    }
    return {};
}

// Members of an object, written one after the other: prompts are long, and a copy of what was parsed would be thrown away at once.
class Members {
public:
    explicit Members(std::size_t size) { text_.reserve(size); }
    void add(std::string_view key, const Json& value) {
        begin(key);
        serializer_.reset(&value);
        char piece[1024];
        while (!serializer_.done()) text_ += serializer_.read(piece, sizeof piece);
    }
    void add_raw(std::string_view key, std::string_view json) {
        begin(key);
        text_ += json;
    }
    std::string whole() && {
        text_ += '}';
        return std::move(text_);
    }

private:
    void begin(std::string_view key) {
        text_ += text_.empty() ? "{\"" : ",\"";
        text_ += key;
        text_ += "\":";
    }

    std::string text_;
    boost::json::serializer serializer_;
};

// llama-server silently treats a named function as `auto`: leave that one tool and require it.
void add_named_tool(Members& out, const JsonObject& body, const Json& choice) {
    const auto wanted = *text_member(*member(choice, "function"), "name");
    const auto& tools = body.at("tools").get_array();
    const auto is_wanted = [&](const Json& tool) { return *text_member(*member(tool, "function"), "name") == wanted; };
    out.add("tools", JsonArray{*std::ranges::find_if(tools, is_wanted)});
    out.add_raw("tool_choice", R"("required")");
    out.add_raw("parallel_tool_calls", "false");
}

}  // namespace

Asked read_request(Operation operation, std::string_view text) {
    auto parsed = parse_json(text, json_depth_max, json_arena(arena_first));
    if (!parsed) {
        throw Error(Fault::invalid, fmt::format("The body is not valid JSON (byte {}): {}", parsed.error().at, parsed.error().said))
            .with_code("invalid_json");
    }
    if (!parsed->is_object()) throw Error(Fault::invalid, "The body must be a JSON object.").with_code("invalid_json");
    Asked asked{.operation = operation, .model = {}, .body = std::move(parsed->get_object()), .text_bytes = text.size()};
    const auto& body = asked.body;
    const auto* model = present(body, "model");
    if (!model) refuse("model", "'model' is required; GET /v1/models lists what is served.", "missing_required_parameter");
    if (!model->is_string()) refuse("model", "'model' must be a text.", "invalid_type");
    asked.model = view(model->get_string());
    if (operation == Operation::embedding) {
        check_input(body, asked);
        return asked;
    }
    operation == Operation::chat ? check_messages(body) : check_prompt(body);
    asked.stream = flag(body, "stream");
    if (const auto* options = present(body, "stream_options")) {
        if (!options->is_object()) refuse("stream_options", "'stream_options' must be an object.", "invalid_type");
        asked.include_usage = flag(options->get_object(), "include_usage");
    }
    number(body, "temperature", 0, 2);
    number(body, "top_p", 0, 1);
    number(body, "frequency_penalty", -2, 2);
    number(body, "presence_penalty", -2, 2);
    for (const auto* key : {"max_tokens", "max_completion_tokens"})
        if (const auto tokens = whole(body, key, 1, 1e9)) asked.output_max = std::max(*tokens, asked.output_max.value_or(*tokens));
    asked.choices = whole(body, "n", 1, 128).value_or(1);
    whole(body, "top_logprobs", 0, 20);
    if (operation == Operation::chat) {
        check_tools(body);
        check_response_format(body);
        const auto* tools = present(body, "tools");
        asked.wants_tools = tools && !tools->get_array().empty();
    }
    return asked;
}

void check_against(const Asked& asked, const Served& served) {
    using catalog::Capability;
    const auto needed = asked.operation == Operation::chat         ? Capability::chat
                        : asked.operation == Operation::completion ? Capability::completion
                                                                   : Capability::embedding;
    if (!served.can(needed)) {
        throw Error(Fault::invalid, fmt::format("Model '{}' does not do {}; GET /v1/models lists each model's capabilities.", asked.model,
                                                catalog::name(needed)))
            .with_code("unsupported_model");
    }
    // llama-server would silently drop the tools when the chat template has no place for them.
    if (asked.wants_tools && !served.can(Capability::tools)) {
        throw Error(
            Fault::invalid,
            fmt::format("Model '{}' cannot call tools: its chat template has no place for them. Leave 'tools' out or use another model.",
                        asked.model))
            .with_code("unsupported_parameter")
            .with({"tools", FieldProblem::Reason::constraint, "not supported by this model"});
    }
}

std::string body_for(const Asked& asked, const Backend& backend) {
    Members out(asked.text_bytes + backend.model.size() + 128);
    out.add("model", Json(backend.model));
    const auto* choice = present(asked.body, "tool_choice");
    const bool names_a_tool = choice && choice->is_object() && asked.operation == Operation::chat;
    for (const std::string_view key : fields_of(asked.operation)) {
        if (asked.stream && key == "stream_options") continue;
        if (names_a_tool && (key == "tools" || key == "tool_choice" || key == "parallel_tool_calls")) continue;
        if (asked.output_limit && (key == "max_tokens" || key == "max_completion_tokens")) continue;
        if (const auto* value = present(asked.body, key)) out.add(key, *value);
    }
    if (asked.output_limit) out.add("max_tokens", Json(*asked.output_limit));
    // How long the prompt is, before the answer begins: a stream that ends early has no usage.
    if (asked.stream && backend.reports_progress) out.add_raw("return_progress", "true");
    if (asked.operation == Operation::embedding) out.add_raw("encoding_format", R"("float")");
    if (asked.stream) out.add_raw("stream_options", R"({"include_usage":true})");
    if (names_a_tool) add_named_tool(out, asked.body, *choice);
    return std::move(out).whole();
}

}  // namespace meridian::inference
