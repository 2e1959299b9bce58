#include "resource/query_bind.h"

#include <charconv>

namespace meridian::inline resource {

namespace {

using Kind = Shape::Kind;

template <class Number>
std::optional<Json> number(const std::string& text) {
    Number made{};
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, made);
    if (error != std::errc() || end != last) return std::nullopt;
    return Json(made);
}

Json one(const Shape& shape, const std::string& text) {
    std::optional<Json> made;
    switch (shape.kind) {
        case Kind::maybe:
            return one(shape.element(), text);
        case Kind::boolean:
            if (const auto flag = parse_bool(text)) made = Json(*flag);
            break;
        case Kind::integer:
            made = number<std::int64_t>(text);
            if (!made) made = number<std::uint64_t>(text);
            break;
        case Kind::real:
            made = number<double>(text);
            break;
        case Kind::text:
        case Kind::parsed:
        case Kind::timestamp:
        case Kind::duration:
        case Kind::money:
        case Kind::word:
        case Kind::json:
        case Kind::list:
        case Kind::map:
        case Kind::object:
            break;
    }
    return made ? *std::move(made) : Json(std::string_view(text));
}

const Shape& without_maybe(const Shape& shape) { return shape.kind == Kind::maybe ? without_maybe(shape.element()) : shape; }

}  // namespace

std::optional<bool> parse_bool(std::string_view text) {
    if (text == "true" || text == "True" || text == "1") return true;
    if (text == "false" || text == "False" || text == "0") return false;
    return std::nullopt;
}

Json query_as_json(const ObjectShape& shape, const TextPairs& query) {
    JsonObject made;
    for (const auto& field : shape.fields) {
        const Shape& wanted = without_maybe(field.shape());
        JsonArray all;
        for (const auto& [key, text] : query) {
            // "" is what clients send for a filter that was never set; as a filter it would match nothing.
            if (key == field.rules.name && !text.empty()) all.push_back(one(wanted.kind == Kind::list ? wanted.element() : wanted, text));
        }
        if (all.empty()) continue;
        if (wanted.kind == Kind::list)
            made[field.rules.name] = std::move(all);
        else
            made[field.rules.name] = std::move(all.front());
    }
    return made;
}

}  // namespace meridian::inline resource
