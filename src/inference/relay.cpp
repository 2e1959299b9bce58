#include "inference/relay.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <cstring>

#include "base/hash.h"
#include "http/dialect.h"

namespace meridian::inference {
namespace {

std::int64_t count(const Json& object, std::string_view key) {
    const auto* value = member(object, key);
    if (!value) return 0;
    return value->is_int64() ? std::max<std::int64_t>(0, value->get_int64()) : 0;  // nobody has read more than 2^63 tokens
}

void strip_private(JsonObject& answer) {
    answer.erase("timings");
    answer.erase("__verbose");
}

void floats_to_base64(JsonObject& answer) {
    auto* data = answer.if_contains("data");
    if (!data || !data->is_array()) return;
    for (auto& row : data->get_array()) {
        auto* object = row.if_object();
        auto* embedding = object ? object->if_contains("embedding") : nullptr;
        if (!embedding || !embedding->is_array()) continue;
        std::string raw;
        raw.reserve(embedding->get_array().size() * 4);
        for (const auto& number : embedding->get_array()) {
            const float f = number.is_number() ? static_cast<float>(number.to_number<double>()) : 0.0F;
            std::uint32_t bits;
            std::memcpy(&bits, &f, 4);
            for (int shift = 0; shift < 32; shift += 8)
                raw.push_back(static_cast<char>(bits >> shift));  // little-endian, as clients decode
        }
        *embedding = base64(raw);
    }
}

std::string json_member(std::string_view key, std::string_view text) {
    return fmt::format("\"{}\":{}", key, boost::json::serialize(Json(text)));
}

JsonObject usage_json(const metering::Usage& usage) {
    return {{"prompt_tokens", usage.input_tokens},
            {"completion_tokens", usage.output_tokens},
            {"total_tokens", usage.input_tokens + usage.output_tokens},
            {"prompt_tokens_details", JsonObject{{"cached_tokens", usage.cached_tokens}}}};
}

constexpr std::size_t arena_first = 4096;

expected<Json> parse_passing(std::string_view text) { return parse_json(text, json_depth_max, json_arena(arena_first)); }

}  // namespace

std::optional<metering::Usage> usage_of(const Json& answer) {
    const auto* usage = member(answer, "usage");
    if (!usage || !usage->is_object()) return std::nullopt;
    metering::Usage out{count(*usage, "prompt_tokens"), count(*usage, "completion_tokens"), 0};
    if (const auto* details = member(*usage, "prompt_tokens_details")) out.cached_tokens = count(*details, "cached_tokens");
    return out;
}

Error error_from(int status, std::string_view body) {
    std::string type, message;
    if (const auto parsed = parse_json(body)) {
        if (const auto* error = member(*parsed, "error")) {
            if (const auto* t = text_member(*error, "type")) type = view(*t);
            if (const auto* m = text_member(*error, "message")) message = view(*m);
        }
    }
    if (type == "exceed_context_size_error") {
        return Error(Fault::invalid, message.empty() ? "The prompt is longer than the model's context; shorten it." : message)
            .with_code("context_length_exceeded");
    }
    if (status == 503)
        return Error(Fault::unavailable, "The model is loading; try again shortly.")
            .with_code("model_loading")
            .after(std::chrono::seconds(2));
    if (status == 429)
        return Error(Fault::busy, "The model's endpoint is at its limit; try again shortly.")
            .with_code("rate_limit_exceeded")
            .after(std::chrono::seconds(1));
    if (status == 401 || status == 403) {
        return Error(Fault::unavailable, "The model's endpoint refused our credential; the operator has to renew it.",
                     fmt::format("backend answered {}", status))
            .with_code("upstream_credential");
    }
    if (status >= 400 && status < 500) {
        return Error(Fault::invalid, message.empty() ? "The model's runtime refused this request." : message).with_code("invalid_request");
    }
    // llama-server says 500 for grammars it cannot build from a schema; its text names the place, and is about the caller's input.
    if (message.find("schema") != std::string::npos || message.find("grammar") != std::string::npos) {
        return Error(Fault::invalid, message)
            .with_code("invalid_json_schema")
            .with({"response_format", FieldProblem::Reason::format, message});
    }
    return Error(Fault::unavailable, "The model's runtime failed on this request; try again.",
                 fmt::format("backend answered {} {}", status, type))
        .with_code("runtime_error")
        .after(std::chrono::seconds(1));
}

expected<WholeAnswer> whole_answer(const Asked& asked, std::string_view answer_id, std::string_view body) {
    auto parsed = parse_passing(body);
    if (!parsed) return unexpected(parsed.error());
    auto* answer = parsed->if_object();
    if (!answer) return complaint("the answer is not a JSON object");
    WholeAnswer out;
    if (const auto usage = usage_of(*parsed)) out.usage = *usage;
    strip_private(*answer);
    if (asked.operation != Operation::embedding) (*answer)["id"] = answer_id;
    (*answer)["model"] = asked.model;
    if (asked.base64_embeddings) floats_to_base64(*answer);
    out.body = boost::json::serialize(*answer);
    return out;
}

std::string answer_id(Operation operation, const RunId& run) {
    switch (operation) {
        case Operation::chat:
            return "chatcmpl-" + run.str();
        case Operation::completion:
            return "cmpl-" + run.str();
        case Operation::embedding:
            return {};
    }
    return {};
}

StreamRelay::StreamRelay(const Asked& asked, std::string_view backend_model, std::string answer_id)
    : asked_(asked),
      answer_id_(std::move(answer_id)),
      model_{json_member("model", backend_model), json_member("model", asked.model)},
      id_{{}, json_member("id", answer_id_)} {}

bool StreamRelay::feed(std::string_view piece, std::string& out) {
    if (!cutter_.feed(piece)) return false;
    http::SseCutter::Event next;
    while (!finished_ && !is_held() && cutter_.next(next)) event(next, out);
    return true;
}

void StreamRelay::event(const http::SseCutter::Event& event, std::string& out) {
    if (event.data.empty()) {  // a comment: the backend keeps the connection alive
        out += event.raw;
        return;
    }
    if (event.data == "[DONE]") {
        finished_ = true;
        return;
    }
    // Chunks without these words hold nothing of ours to read or remove. Inside JSON strings the quotes would be escaped.
    const bool plain = event.data.find("\"usage\"") == std::string_view::npos && event.data.find("\"timings\"") == std::string_view::npos &&
                       event.data.find("\"error\"") == std::string_view::npos &&
                       event.data.find("\"prompt_progress\"") == std::string_view::npos;
    if (!plain || !splice(event.raw, out)) {
        rewrite(event.data, out);
        return;
    }
    if (!usage_known_) ++usage_.output_tokens;  // about one a chunk, until the backend tells
    sent_ = true;
}

// Exchanges the two members where they stand, without reading the rest. False when they are not there as expected: the first chunk, whose
// id nobody knows yet, an endpoint that answers under a name of its own ("x-2026-01-01"), or one that writes its JSON with blanks.
bool StreamRelay::splice(std::string_view raw, std::string& out) const {
    if (id_.from.empty()) return false;
    const auto id = raw.find(id_.from);
    if (id == std::string_view::npos) return false;
    std::string_view from = model_.from;
    auto model = raw.find(from);
    if (model == std::string_view::npos) model = raw.find(from = model_.to);  // it knows the name that the caller uses
    if (model == std::string_view::npos) return false;
    struct Place {
        std::size_t at, length;
        std::string_view to;
    };
    Place first{id, id_.from.size(), id_.to}, second{model, from.size(), model_.to};
    if (second.at < first.at) std::swap(first, second);
    out += raw.substr(0, first.at);
    out += first.to;
    out += raw.substr(first.at + first.length, second.at - first.at - first.length);
    out += second.to;
    out += raw.substr(second.at + second.length);
    return true;
}

void StreamRelay::rewrite(std::string_view data, std::string& out) {
    auto parsed = parse_passing(data);
    auto* chunk = parsed ? parsed->if_object() : nullptr;
    if (!chunk) {
        failure_ = Error(Fault::unavailable, "The model's runtime sent a broken chunk.", "chunk is not JSON").with_code("runtime_error");
        finished_ = true;
        return;
    }
    const auto* error = chunk->if_contains("error");
    if (error && !error->is_null()) {
        const auto* status = member(*error, "code");
        failure_ = error_from(status && status->is_int64() ? static_cast<int>(status->get_int64()) : 500, data);
        finished_ = true;
        return;
    }
    if (const auto usage = usage_of(*parsed)) {
        usage_ = *usage;
        usage_known_ = true;
    }
    strip_private(*chunk);
    created_ = count(*parsed, "created");
    if (const auto* id = text_member(*parsed, "id")) id_.from = json_member("id", view(*id));
    if (const auto* progress = chunk->if_contains("prompt_progress")) {
        read_progress(*progress);
        return;
    }
    (*chunk)["id"] = answer_id_;
    (*chunk)["model"] = asked_.model;
    const auto* choices = chunk->if_contains("choices");
    const bool only_usage = choices && choices->is_array() && choices->get_array().empty();
    if (only_usage) {
        if (asked_.include_usage && usage_known_) usage_chunk_ = std::move(*chunk);
        return;
    }
    // Without include_usage no chunk may carry usage; with it, it travels alone before the end.
    chunk->erase("usage");
    if (!usage_known_) ++usage_.output_tokens;
    sent_ = true;
    out += http::sse_event(boost::json::serialize(*chunk));
}

// A chunk of its own, for us alone.
void StreamRelay::read_progress(const Json& progress) {
    if (usage_known_) return;
    usage_.input_tokens = count(progress, "total");
    usage_.cached_tokens = count(progress, "cache");
}

std::string StreamRelay::last_words(const metering::Receipt& receipt) const {
    const JsonObject said{
        {"receipt", receipt.id.str()}, {"cost", receipt.cost.str()},
        {"currency", "EUR"},           {"energy_millijoules", receipt.usage.energy ? Json(receipt.usage.energy->count()) : Json(nullptr)},
        {"zone", receipt.zone},        {"jurisdiction", receipt.jurisdiction}};
    if (!asked_.include_usage) return ": meridian " + boost::json::serialize(said) + "\n\n";
    auto chunk = usage_chunk_ ? *usage_chunk_ : own_chunk({});
    if (!usage_chunk_) chunk["usage"] = usage_json(receipt.usage);
    chunk["meridian"] = said;
    return http::sse_event(boost::json::serialize(chunk));
}

JsonObject StreamRelay::own_chunk(JsonArray choices) const {
    return {{"id", answer_id_},
            {"object", asked_.operation == Operation::chat ? "chat.completion.chunk" : "text_completion"},
            {"created", created_},
            {"model", asked_.model},
            {"choices", std::move(choices)}};
}

std::string StreamRelay::cut_short(const Error& why) const {
    JsonArray choices;
    for (std::int64_t i = 0; i < asked_.choices; ++i) {
        JsonObject choice{{"index", i}, {"finish_reason", "length"}};
        if (asked_.operation == Operation::chat)
            choice["delta"] = JsonObject();
        else
            choice["text"] = "";
        choices.push_back(std::move(choice));
    }
    auto chunk = own_chunk(std::move(choices));
    chunk["meridian"] = JsonObject{{"reason", why.code}, {"message", why.said}};
    return http::sse_event(boost::json::serialize(chunk));
}

std::string error_event(const Error& error, std::string_view request_id) {
    return http::sse_event(http::render(http::Dialect::openai, error, request_id).body);
}

}  // namespace meridian::inference
