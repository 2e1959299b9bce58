#include "geography/declaration.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "base/json.h"

namespace meridian::geography {
namespace {

constexpr std::size_t words_max = 200;

bool is_line(std::string_view text) {
    return !text.empty() && text.size() <= words_max && is_utf8(text) &&
           std::ranges::none_of(text, [](char c) { return c >= 0 && c < ' '; });
}

bool is_country(std::string_view text) {
    return text.size() == 2 && std::ranges::all_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

// Each may be left out.
struct Number {
    std::string_view name, what;
    std::optional<std::uint32_t> Declaration::* member;
    std::uint32_t least, most;
};
constexpr Number numbers[] = {
    {"node_watts", "the watts that the processors of one node draw under full load", &Declaration::node_watts, 1, limits::node_watts},
    {"carbon_grams_per_kwh", "the grams of CO2 equivalent that a kilowatt hour stands for", &Declaration::carbon_grams_per_kwh, 0,
     limits::carbon_grams_per_kwh},
    {"water_millilitres_per_kwh", "the millilitres of water that a kilowatt hour stands for", &Declaration::water_millilitres_per_kwh, 0,
     limits::water_millilitres_per_kwh},
};

expected<void> check(const Declaration& d) {
    if (!is_line(d.place))
        return complaint(fmt::format("`place` must say where the machines stand, in one line of at most {} bytes.", words_max));
    if (!is_country(d.jurisdiction))
        return complaint("`jurisdiction` must be the two capital letters of a country (ISO 3166), such as \"FR\".");
    if (!is_line(d.operator_name))
        return complaint(fmt::format("`operator` must name who operates the zone, in one line of at most {} bytes.", words_max));
    for (const auto& number : numbers) {
        const auto& value = d.*number.member;
        if (value && (*value < number.least || *value > number.most))
            return complaint(fmt::format("`{}` must be {}, {} to {}.", number.name, number.what, number.least, number.most));
    }
    return {};
}

}  // namespace

std::string declaration_text(const Declaration& d) {
    JsonObject out{
        {"place", d.place}, {"jurisdiction", d.jurisdiction}, {"operator", d.operator_name}, {"declared_at", rfc3339(d.declared_at)}};
    for (const auto& number : numbers)
        if (d.*number.member) out[number.name] = *(d.*number.member);
    return to_text(out) + "\n";
}

expected<Declaration> parse_declaration(std::string_view text) {
    const auto json = parse_json(text);
    if (!json) return complaint("it is not JSON: " + json.error().said, json.error().at);
    const auto* place = text_member(*json, "place");
    const auto* jurisdiction = text_member(*json, "jurisdiction");
    const auto* operator_name = text_member(*json, "operator");
    const auto* declared_at = text_member(*json, "declared_at");
    const auto declared = std::ranges::count_if(numbers, [&](const Number& n) { return member(*json, n.name) != nullptr; });
    if (!place || !jurisdiction || !operator_name || !declared_at || json->as_object().size() != 4 + static_cast<std::size_t>(declared))
        return complaint(
            "it must have the texts `place`, `jurisdiction`, `operator` and `declared_at`, may have the numbers `node_watts`, "
            "`carbon_grams_per_kwh` and `water_millilitres_per_kwh`, and nothing else.");
    const auto when = parse_rfc3339(view(*declared_at));
    if (!when) return complaint("`declared_at` must be a time such as 2026-11-23T19:29:43Z.");
    Declaration made{std::string(view(*place)), std::string(view(*jurisdiction)), std::string(view(*operator_name)), *when};
    for (const auto& number : numbers) {
        const auto* there = member(*json, number.name);
        if (!there) continue;
        const auto* count = there->if_int64();
        // What cannot be is past every limit, so that `check` says what is wrong.
        const bool can_be = count && *count >= number.least && *count <= number.most;
        made.*number.member = can_be ? static_cast<std::uint32_t>(*count) : number.most + 1;
    }
    if (auto good = check(made); !good) return std::unexpected(good.error());
    return made;
}

expected<std::optional<Declaration>> DeclarationFile::read() const {
    const auto text = disk_.read_file(path_);
    if (!text) {
        if (text.error().kind == DiskError::Kind::not_found) return std::nullopt;
        return complaint(fmt::format("The declaration {} cannot be read: {}.", path_, text.error().said));
    }
    auto declared = parse_declaration(*text);
    if (!declared)
        return complaint(fmt::format("The declaration {} cannot be used: {}", path_, declared.error().said), declared.error().at);
    return std::move(*declared);
}

expected<void> DeclarationFile::write(const Declaration& declared) const {
    if (auto good = check(declared); !good) return good;
    if (const auto done = disk_.replace_file(path_, declaration_text(declared)); !done)
        return complaint(fmt::format("The declaration {} cannot be written: {}.", path_, done.error().said));
    return {};
}

}  // namespace meridian::geography
