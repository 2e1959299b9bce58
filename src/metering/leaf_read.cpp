// A leaf's bytes, read back: as JSON for people, or in one pass for the books.
#include <algorithm>
#include <charconv>

#include "base/hash.h"
#include "metering/leaf.h"
#include "metering/leaf_words.h"

namespace meridian::metering {
namespace {

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

}  // namespace meridian::metering
