#include "metering/leaf.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <tuple>

#include "base/hash.h"
#include "metering/price.h"
#include "resource/fields.h"

namespace meridian::metering {

constexpr auto names(As<Kind>) {
    return words<Kind>({{Kind::chat, "chat"},
                        {Kind::completion, "completion"},
                        {Kind::embedding, "embedding"},
                        {Kind::deployment_hour, "deployment_hour"},
                        {Kind::quantum_job, "quantum_job"},
                        {Kind::quantum_booking, "quantum_booking"}});
}
constexpr auto names(As<Outcome>) {
    return words<Outcome>({{Outcome::finished, "finished"},
                           {Outcome::cancelled, "cancelled"},
                           {Outcome::failed, "failed"},
                           {Outcome::interrupted, "interrupted"}});
}
constexpr auto names(As<EnergyBasis>) {
    return words<EnergyBasis>({{EnergyBasis::declared_watts, "declared_watts"}, {EnergyBasis::counter, "counter"}});
}
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
            return false;
    }
    return true;
}

namespace {

constexpr std::string_view build = "meridian/" MERIDIAN_VERSION;
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
    // As `text`, for one that may have quotes in it.
    std::optional<std::string> name(std::string_view key) {
        if (!go_to(key) || !rest_.starts_with('"')) return std::nullopt;
        std::string made;
        for (std::size_t at = 1; at < rest_.size(); ++at) {
            if (rest_[at] == '"') return made;
            if (rest_[at] == '\\' && ++at == rest_.size()) break;
            made += rest_[at];
        }
        return std::nullopt;
    }
    // The text of a member that comes next, or "" where another one does.
    std::string_view next_text(std::string_view key) {
        const auto at = rest_.find(',');
        if (at == std::string_view::npos || !rest_.substr(at).starts_with(key)) return {};
        return text(key).value_or(std::string_view());
    }
    // The id that stands under `key` in front of `before`; nil where there is none of the two. A name may hold neither of them as it is,
    // for its quotes are escaped.
    template <class I>
    I next_id(std::string_view key, std::string_view before) {
        const auto end = rest_.find(before);
        if (end == std::string_view::npos) return {};
        auto ahead = Members(rest_.substr(0, end));
        return ahead.id<I>(key).value_or(I());
    }
    // A number, or the absence of one that stands there as null. Nothing: neither.
    std::optional<std::optional<std::int64_t>> number_or_null(std::string_view key) {
        auto ahead = *this;
        if (ahead.go_to(key) && ahead.rest_.starts_with("null")) {
            *this = ahead;
            return std::optional<std::int64_t>();
        }
        return number(key);
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
std::optional<Sha256> hash_in(const Json& json, std::string_view key) {
    const auto bytes = unbase64(text_in(json, key));
    Sha256 hash;
    if (!bytes || bytes->size() != hash.size()) return std::nullopt;
    std::ranges::copy(*bytes, reinterpret_cast<char*>(hash.data()));
    return hash;
}
template <class I>
I id_in(const Json& json, std::string_view key) {
    return I::parse(text_in(json, key)).value_or(I());
}
std::int64_t number_in(const Json& json, std::string_view key) {
    const auto* number = member(json, key);
    return number && number->is_int64() ? number->get_int64() : 0;
}

std::optional<Price> price_in(const Json& json, Kind kind) {
    Price made;
    const auto read = [&](Money& into, std::string_view key) {
        const auto found = Money::parse(text_in(json, key));
        into = found.value_or(Money());
        return found.has_value();
    };
    const bool whole = is_by_token(kind)
                           ? read(made.input_per_million, "input_per_million") && read(made.output_per_million, "output_per_million")
                           : read(made.per_hour, "per_hour") && read(made.per_shot, "per_shot") && read(made.per_circuit, "per_circuit");
    made.cached_per_million = Money::parse(text_in(json, "cached_per_million"));
    return whole ? std::optional(made) : std::nullopt;
}

// Members in their order, as `write` has them for the kind.
std::optional<Usage> usage_in(Members& members, Kind kind) {
    Usage made;
    const auto read = [&](std::int64_t& into, std::string_view key) {
        const auto found = members.number(key);
        into = found.value_or(0);
        return found.has_value();
    };
    const bool whole =
        is_by_token(kind)
            ? read(made.input_tokens, R"("input_tokens":)") && read(made.output_tokens, R"("output_tokens":)") &&
                  read(made.cached_tokens, R"("cached_tokens":)")
            : read(made.milliseconds, R"("milliseconds":)") && read(made.shots, R"("shots":)") && read(made.circuits, R"("circuits":)");
    return whole ? std::optional(made) : std::nullopt;
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
    out += build;
    out += "\"}";
    return out;
}

std::size_t LeafWriter::room(const RunStart& start) const {
    // Everything but the names: keys, eight ids, the widest numbers, amounts and times. The test holds it against the widest leaf.
    constexpr std::size_t fixed = 2100;
    const auto names = start.model.size() + start.model_digest.size() + start.api_key.size() + start.policy.size() + node_max;
    return fixed + where_.size() + build.size() + 2 * names;
}

expected<Receipt> read_leaf(std::string_view leaf) {
    auto json = parse_json(leaf);
    if (!json) return complaint("the receipt is no JSON", json.error().at);
    const auto facts = facts_of(leaf);
    if (!facts) return std::unexpected(facts.error());
    const auto kind = from_word<Kind>(text_in(*json, "kind"));
    const auto outcome = from_word<Outcome>(text_in(*json, "outcome"));
    const auto* price = member(*json, "price");
    const auto rates = price && kind ? price_in(*price, *kind) : std::nullopt;
    if (!kind || !outcome || !rates) return complaint("the receipt lacks a member");
    Receipt made;
    made.id = facts->id;
    made.start = {.kind = *kind,
                  .organization = facts->organization,
                  .project = facts->project,
                  .principal = id_in<PrincipalId>(*json, "principal"),
                  .api_key = text_in(*json, "api_key"),
                  .model = text_in(*json, "model"),
                  .model_digest = text_in(*json, "model_digest"),
                  .deployment = id_in<DeploymentId>(*json, "deployment"),
                  .node = text_in(*json, "node"),
                  .price = *rates,
                  .quote = id_in<QuoteId>(*json, "quote"),
                  .ceiling = Money::parse(text_in(*json, "ceiling")),
                  .policy = text_in(*json, "policy")};
    made.usage = facts->usage;
    made.commitments = {hash_in(*json, "input_commitment"), hash_in(*json, "output_commitment")};
    made.outcome = *outcome;
    made.started_at = facts->started_at;
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
    const auto kind_text = members.text(R"("kind":)");
    const auto kind = kind_text ? from_word<Kind>(*kind_text) : std::nullopt;
    const auto principal = members.id<PrincipalId>(R"("principal":)");
    const auto api_key = members.next_text(R"(,"api_key":)");  // Meridian 0.1.0 wrote none
    const auto organization = members.id<OrganizationId>(R"("organization":)");
    const auto project = members.id<ProjectId>(R"("project":)");
    auto model = members.name(R"("model":)");
    const auto quote = members.next_id<QuoteId>(R"("quote":)", R"("policy":)");  // neither did it write this
    auto usage = kind ? usage_in(members, *kind) : std::nullopt;
    const auto cost_text = members.text(R"("cost":)");
    const auto energy = members.number_or_null(R"("energy":)");
    const auto basis_text = members.text(R"("energy_basis":)");
    const auto started_text = members.text(R"("started_at":)"), ended_text = members.text(R"("ended_at":)");
    const auto cost = cost_text ? Money::parse(*cost_text) : std::nullopt;
    const auto started_at = started_text ? parse_rfc3339(*started_text) : std::nullopt;
    const auto ended_at = ended_text ? parse_rfc3339(*ended_text) : std::nullopt;
    if (!id || id->is_nil() || !principal || !organization || !project || !model || !usage || !cost || !energy || !basis_text ||
        !started_at || !ended_at)
        return complaint("the receipt lacks a member");
    if (*energy) {
        const auto basis = from_word<EnergyBasis>(*basis_text);
        if (!basis) return complaint("the receipt says no basis of its energy");
        usage->energy = Millijoules(**energy);
        usage->energy_basis = *basis;
    }
    return LeafFacts{.id = *id,
                     .kind = *kind,
                     .organization = *organization,
                     .project = *project,
                     .principal = *principal,
                     .api_key = std::string(api_key),
                     .model = std::move(*model),
                     .quote = quote,
                     .usage = *usage,
                     .cost = *cost,
                     .started_at = *started_at,
                     .ended_at = *ended_at};
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
