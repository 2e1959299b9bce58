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

expected<void> check(const Declaration& d) {
    if (!is_line(d.place))
        return complaint(fmt::format("`place` must say where the machines stand, in one line of at most {} bytes.", words_max));
    if (!is_country(d.jurisdiction))
        return complaint("`jurisdiction` must be the two capital letters of a country (ISO 3166), such as \"FR\".");
    if (!is_line(d.operator_name))
        return complaint(fmt::format("`operator` must name who operates the zone, in one line of at most {} bytes.", words_max));
    if (d.node_watts && (*d.node_watts < 1 || *d.node_watts > limits::node_watts))
        return complaint(
            fmt::format("`node_watts` must be what the processors of one node draw under full load, 1 to {} W.", limits::node_watts));
    return {};
}

}  // namespace

std::string declaration_text(const Declaration& d) {
    JsonObject out{
        {"place", d.place}, {"jurisdiction", d.jurisdiction}, {"operator", d.operator_name}, {"declared_at", rfc3339(d.declared_at)}};
    if (d.node_watts) out["node_watts"] = *d.node_watts;
    return to_text(out) + "\n";
}

expected<Declaration> parse_declaration(std::string_view text) {
    const auto json = parse_json(text);
    if (!json) return complaint("it is not JSON: " + json.error().said, json.error().at);
    const auto* place = text_member(*json, "place");
    const auto* jurisdiction = text_member(*json, "jurisdiction");
    const auto* operator_name = text_member(*json, "operator");
    const auto* declared_at = text_member(*json, "declared_at");
    const auto* watts = member(*json, "node_watts");
    if (!place || !jurisdiction || !operator_name || !declared_at || json->as_object().size() != (watts ? 5 : 4))
        return complaint(
            "it must have the texts `place`, `jurisdiction`, `operator` and `declared_at`, may have the number `node_watts`, and nothing "
            "else.");
    const auto when = parse_rfc3339(view(*declared_at));
    if (!when) return complaint("`declared_at` must be a time such as 2026-11-23T19:29:43Z.");
    Declaration made{std::string(view(*place)), std::string(view(*jurisdiction)), std::string(view(*operator_name)), *when};
    if (watts) {
        const auto* count = watts->if_int64();
        made.node_watts =
            count && *count > 0 && *count <= limits::node_watts ? static_cast<std::uint32_t>(*count) : 0;  // `check` refuses 0
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
