#include "metering/leaf.h"

#include <fmt/format.h>

#include <charconv>

#include "base/hash.h"
#include "resource/fields.h"

namespace meridian::metering {

constexpr auto names(As<Kind>) {
    return words<Kind>({{Kind::chat, "chat"},
                        {Kind::completion, "completion"},
                        {Kind::embedding, "embedding"},
                        {Kind::deployment_hour, "deployment_hour"}});
}
constexpr auto names(As<Outcome>) {
    return words<Outcome>({{Outcome::finished, "finished"},
                           {Outcome::cancelled, "cancelled"},
                           {Outcome::failed, "failed"},
                           {Outcome::interrupted, "interrupted"}});
}
std::string_view name(Kind kind) { return word(kind); }
std::string_view name(Outcome outcome) { return word(outcome); }

namespace {

constexpr std::string_view build = "meridian/" MERIDIAN_VERSION;

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

// The value of `"key":` in our own bytes. A quote inside a text has a stroke before it, so the key cannot be found in one.
class Members {
public:
    explicit Members(std::string_view leaf) : rest_(leaf) {}
    // Members are asked for in their order.
    std::optional<std::string_view> text(std::string_view key) {
        if (!go_to(key) || !rest_.starts_with('"')) return std::nullopt;
        const auto end = rest_.find('"', 1);
        if (end == std::string_view::npos) return std::nullopt;
        return rest_.substr(1, end - 1);
    }
    template <class I>
    std::optional<I> id(std::string_view key) {
        if (!go_to(key)) return std::nullopt;
        if (rest_.starts_with("null")) return I();
        const auto found = rest_.starts_with('"') ? I::parse(rest_.substr(1, 36)) : std::nullopt;
        return found && !found->is_nil() ? found : std::nullopt;
    }
    std::optional<std::int64_t> number(std::string_view key) {
        std::int64_t made = 0;
        if (!go_to(key) || std::from_chars(rest_.data(), rest_.data() + rest_.size(), made).ec != std::errc()) return std::nullopt;
        return made;
    }

private:
    bool go_to(std::string_view key) {
        const auto at = rest_.find(key);
        if (at == std::string_view::npos) return false;
        rest_.remove_prefix(at + key.size());
        return true;
    }
    std::string_view rest_;
};

std::string text_in(const Json& json, std::string_view key) {
    const auto* text = text_member(json, key);
    return text ? std::string(view(*text)) : std::string();
}
template <class I>
I id_in(const Json& json, std::string_view key) {
    return I::parse(text_in(json, key)).value_or(I());
}
std::int64_t number_in(const Json& json, std::string_view key) {
    const auto* number = member(json, key);
    return number && number->is_int64() ? number->get_int64() : 0;
}

}  // namespace

void tidy(RunStart& start) {
    clip(start.model, name_max);
    clip(start.model_digest, name_max);
    clip(start.node, node_max);
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
    out += R"(,"usage":{"input_tokens":)";
    add_number(out, r.usage.input_tokens);
    out += R"(,"output_tokens":)";
    add_number(out, r.usage.output_tokens);
    out += R"(,"cached_tokens":)";
    add_number(out, r.usage.cached_tokens);
    out += R"(},"price":{"input_per_million":")";
    out += r.start.price.input_per_million.str();
    out += R"(","output_per_million":")";
    out += r.start.price.output_per_million.str();
    out += R"("},"cost":")";
    out += r.cost.str();
    out += R"(","currency":"EUR","energy":null,"energy_basis":"unknown","started_at":")";
    out += rfc3339(r.started_at);
    out += R"(","ended_at":")";
    out += rfc3339(r.ended_at);
    out += R"(","duration_ms":)";
    add_number(out, std::chrono::duration_cast<std::chrono::milliseconds>(r.took).count());
    out += R"(,"build":")";
    out += build;
    out += "\"}";
    return out;
}

std::size_t LeafWriter::room(const RunStart& start) const {
    // Everything but the names: keys, seven ids, the widest numbers, amounts and times. The test holds it against the widest leaf.
    constexpr std::size_t fixed = 1100;
    return fixed + where_.size() + build.size() + 2 * (start.model.size() + start.model_digest.size() + node_max);
}

expected<Receipt> read_leaf(std::string_view leaf) {
    auto json = parse_json(leaf);
    if (!json) return complaint("the receipt is no JSON", json.error().at);
    const auto facts = facts_of(leaf);
    if (!facts) return std::unexpected(facts.error());
    const auto kind = from_word<Kind>(text_in(*json, "kind"));
    const auto outcome = from_word<Outcome>(text_in(*json, "outcome"));
    const auto* price = member(*json, "price");
    const auto started_at = parse_rfc3339(text_in(*json, "started_at"));
    const auto input = price ? Money::parse(text_in(*price, "input_per_million")) : std::nullopt;
    const auto output = price ? Money::parse(text_in(*price, "output_per_million")) : std::nullopt;
    if (!kind || !outcome || !started_at || !input || !output) return complaint("the receipt lacks a member");
    Receipt made;
    made.id = facts->id;
    made.start = {.kind = *kind,
                  .organization = facts->organization,
                  .project = facts->project,
                  .principal = id_in<PrincipalId>(*json, "principal"),
                  .model = text_in(*json, "model"),
                  .model_digest = text_in(*json, "model_digest"),
                  .deployment = id_in<DeploymentId>(*json, "deployment"),
                  .node = text_in(*json, "node"),
                  .price = {*input, *output}};
    made.usage = facts->usage;
    made.outcome = *outcome;
    made.started_at = *started_at;
    made.ended_at = facts->ended_at;
    made.took = std::chrono::milliseconds(number_in(*json, "duration_ms"));
    made.cost = facts->cost;
    made.zone = text_in(*json, "zone");
    made.place = text_in(*json, "place");
    made.jurisdiction = text_in(*json, "jurisdiction");
    made.json = std::move(*json);
    made.leaf = leaf;
    return made;
}

expected<LeafFacts> facts_of(std::string_view leaf) {
    Members members(leaf);
    const auto id = members.id<RunId>(R"("id":)");
    const auto organization = members.id<OrganizationId>(R"("organization":)");
    const auto project = members.id<ProjectId>(R"("project":)");
    const auto input = members.number(R"("input_tokens":)"), output = members.number(R"("output_tokens":)"),
               cached = members.number(R"("cached_tokens":)");
    const auto cost_text = members.text(R"("cost":)"), ended_text = members.text(R"("ended_at":)");
    const auto cost = cost_text ? Money::parse(*cost_text) : std::nullopt;
    const auto ended_at = ended_text ? parse_rfc3339(*ended_text) : std::nullopt;
    if (!id || id->is_nil() || !organization || !project || !input || !output || !cached || !cost || !ended_at)
        return complaint("the receipt lacks a member");
    return LeafFacts{*id, *organization, *project, {*input, *output, *cached}, *cost, *ended_at};
}

}  // namespace meridian::metering
