#include "metering/leaf.h"

#include <fmt/format.h>

#include <initializer_list>
#include <tuple>

#include "base/hash.h"
#include "base/version.h"
#include "metering/leaf_words.h"
#include "metering/price.h"

namespace meridian::metering {

std::string_view name(Kind kind) { return word(kind); }
std::string_view name(Outcome outcome) { return word(outcome); }
bool is_by_token(Kind kind) {
    switch (kind) {
        case Kind::chat:
        case Kind::completion:
        case Kind::embedding:
            return true;
        case Kind::deployment_hour:
        case Kind::quantum_job:
        case Kind::quantum_booking:
        case Kind::quantum_session:
            return false;
    }
    return true;
}

namespace {

constexpr std::string_view energy_unknown = "unknown";

void clip(std::string& text, std::size_t max) {
    if (!is_utf8(text)) {
        for (char& c : text)
            if (static_cast<unsigned char>(c) >= 0x80) c = '?';
    }
    if (text.size() > max) {
        while (max > 0 && (static_cast<unsigned char>(text[max]) & 0xC0) == 0x80) --max;  // not inside a character
        text.resize(max);
    }
    for (char& c : text)
        if (static_cast<unsigned char>(c) < ' ') c = '?';
}

// `text` is tidy: only two characters need a stroke.
void add_text(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    out += '"';
}
void add_text_or_null(std::string& out, std::string_view text) {
    if (text.empty())
        out += "null";
    else
        add_text(out, text);
}
template <class Tag>
void add_id(std::string& out, const Id<Tag>& id) {
    if (id.is_nil()) {
        out += "null";
    } else {
        out += '"';
        out += id.str();
        out += '"';
    }
}
void add_number(std::string& out, std::int64_t number) { out += fmt::format_int(number).c_str(); }

struct Count {
    std::string_view key;
    std::int64_t value;
};
void add_counts(std::string& out, std::initializer_list<Count> counts) {
    for (const auto& [key, value] : counts) {
        if (out.back() != '{') out += ',';
        add_text(out, key);
        out += ':';
        add_number(out, value);
    }
}
void add_money_or_null(std::string& out, const std::optional<Money>& amount) { add_text_or_null(out, amount ? amount->str() : ""); }
void add_hash_or_null(std::string& out, const std::optional<Sha256>& hash) { add_text_or_null(out, hash ? base64(as_view(*hash)) : ""); }
void add_lines(std::string& out, std::span<const CostLine> lines) {
    out += '[';
    for (const auto& line : lines) {
        if (out.back() != '[') out += ',';
        out += R"({"unit":)";
        add_text(out, line.unit);
        out += R"(,"quantity":)";
        add_number(out, line.quantity);
        out += R"(,"amount":)";
        add_text(out, line.amount.str());
        out += '}';
    }
    out += ']';
}
struct Rate {
    std::string_view key;
    Money value;
};
void add_rates(std::string& out, std::initializer_list<Rate> rates) {
    for (const auto& [key, value] : rates) {
        if (out.back() != '{') out += ',';
        add_text(out, key);
        out += ':';
        add_text(out, value.str());
    }
}

}  // namespace

void tidy(RunStart& start) {
    clip(start.model, name_max);
    clip(start.model_digest, name_max);
    clip(start.node, node_max);
    clip(start.api_key, word_max);
    clip(start.policy, word_max);
}

std::string tidy_node(std::string_view node) {
    std::string made(node);
    clip(made, node_max);
    return made;
}

LeafWriter::LeafWriter(const geography::ZoneFacts& zone) {
    const auto declared = [&](auto member) {
        std::string text = zone.declared ? (*zone.declared).*member : std::string();
        clip(text, name_max);
        return text;
    };
    where_ += "\"zone\":";
    add_text(where_, zone.name.str());
    where_ += ",\"place\":";
    add_text(where_, zone.declared ? declared(&geography::Declaration::place) : zone.place());
    where_ += ",\"jurisdiction\":";
    add_text(where_, zone.declared ? declared(&geography::Declaration::jurisdiction) : zone.jurisdiction());
    where_ += ",\"declared_by\":";
    add_text_or_null(where_, declared(&geography::Declaration::operator_name));
    where_ += ",\"declared_at\":";
    add_text_or_null(where_, zone.declared ? rfc3339(zone.declared->declared_at) : "");
}

std::string LeafWriter::write(const Receipt& r) const {
    std::string out;
    out.reserve(where_.size() + 1152);
    out += R"({"type":"receipt","id":)";
    add_id(out, r.id);
    out += R"(,"kind":")";
    out += name(r.start.kind);
    out += R"(","outcome":")";
    out += name(r.outcome);
    out += R"(","principal":)";
    add_id(out, r.start.principal);
    out += R"(,"api_key":)";
    add_text_or_null(out, r.start.api_key);
    out += R"(,"organization":)";
    add_id(out, r.start.organization);
    out += R"(,"project":)";
    add_id(out, r.start.project);
    out += ',';
    out += where_;
    out += R"(,"node":)";
    add_text_or_null(out, r.start.node);
    out += R"(,"model":)";
    add_text(out, r.start.model);
    out += R"(,"model_digest":)";
    add_text_or_null(out, r.start.model_digest);
    out += R"(,"deployment":)";
    add_id(out, r.start.deployment);
    out += R"(,"quote":)";
    add_id(out, r.start.quote);
    out += R"(,"policy":)";
    add_text_or_null(out, r.start.policy);
    const auto& [usage, price] = std::tie(r.usage, r.start.price);
    const bool by_token = is_by_token(r.start.kind);
    out += R"(,"usage":{)";
    if (by_token)
        add_counts(out,
                   {{"input_tokens", usage.input_tokens}, {"output_tokens", usage.output_tokens}, {"cached_tokens", usage.cached_tokens}});
    else
        add_counts(out, {{"milliseconds", usage.milliseconds}, {"shots", usage.shots}, {"circuits", usage.circuits}});
    out += R"(},"price":{)";
    if (by_token)
        add_rates(out, {{"input_per_million", price.input_per_million}, {"output_per_million", price.output_per_million}});
    else
        add_rates(out, {{"per_hour", price.per_hour}, {"per_shot", price.per_shot}, {"per_circuit", price.per_circuit}});
    if (price.cached_per_million) add_rates(out, {{"cached_per_million", *price.cached_per_million}});
    out += R"(},"ceiling":)";
    add_money_or_null(out, r.start.ceiling);
    out += R"(,"cost_lines":)";
    add_lines(out, Cost(price, usage, r.start.ceiling).lines());
    out += R"(,"cost":")";
    out += r.cost.str();
    out += R"(","currency":"EUR","energy":)";
    if (usage.energy)
        add_number(out, usage.energy->count());
    else
        out += "null";
    out += R"(,"energy_basis":)";
    add_text(out, usage.energy ? word(usage.energy_basis) : energy_unknown);
    out += R"(,"input_commitment":)";
    add_hash_or_null(out, r.commitments.input);
    out += R"(,"output_commitment":)";
    add_hash_or_null(out, r.commitments.output);
    out += R"(,"started_at":")";
    out += rfc3339(r.started_at);
    out += R"(","ended_at":")";
    out += rfc3339(r.ended_at);
    out += R"(","duration_ms":)";
    add_number(out, std::chrono::duration_cast<std::chrono::milliseconds>(r.took).count());
    out += R"(,"build":")";
    out += build();
    out += "\"}";
    return out;
}

std::size_t LeafWriter::room(const RunStart& start) const {
    // Everything but the names: keys, eight ids, the widest numbers, amounts and times. The test holds it against the widest leaf.
    constexpr std::size_t fixed = 2100;
    const auto names = start.model.size() + start.model_digest.size() + start.api_key.size() + start.policy.size() + node_max;
    return fixed + where_.size() + build().size() + 2 * names;
}

LeafFacts facts_of(const Receipt& receipt) {
    const auto& start = receipt.start;
    return {.id = receipt.id,
            .kind = start.kind,
            .organization = start.organization,
            .project = start.project,
            .principal = start.principal,
            .api_key = start.api_key,
            .model = start.model,
            .quote = start.quote,
            .usage = receipt.usage,
            .cost = receipt.cost,
            .started_at = receipt.started_at,
            .ended_at = receipt.ended_at};
}

}  // namespace meridian::metering
