// Writes shapes as JSON, with every key, also when its value is null: clients index what they expect.
#include <fmt/format.h>

#include <cstring>

#include "resource/json_bind.h"

namespace meridian::inline resource {

namespace {

using Kind = Shape::Kind;
using json_detail::How;

constexpr std::int64_t nanos_per_unit = 1'000'000'000;

std::int64_t load_integer(const void* from, std::uint8_t size, bool is_signed) {
    const auto as = [&]<class S>(S value) -> std::int64_t {
        std::memcpy(&value, from, sizeof value);
        return is_signed ? std::int64_t{value} : static_cast<std::int64_t>(static_cast<std::make_unsigned_t<S>>(value));
    };
    switch (size) {
        case 1:
            return as(std::int8_t{});
        case 2:
            return as(std::int16_t{});
        case 4:
            return as(std::int32_t{});
        default:
            MERIDIAN_ASSERT(size == 8);
            return as(std::int64_t{});
    }
}

Json word_of(const Shape& shape, const void* value) {
    const std::int64_t number = load_integer(value, shape.size, shape.is_signed);
    for (const auto& each : shape.words)
        if (each.value == number) return Json(each.word);
    throw Error(Fault::bug, "A value has no word.", fmt::format("enum value {} is missing from its table", number));
}

Json money(Money amount) {
    return JsonObject{{"currency_code", "EUR"}, {"units", amount.count() / nanos_per_unit}, {"nanos", amount.count() % nanos_per_unit}};
}

Json list(const Shape& shape, const void* value, How how) {
    JsonArray made;
    const std::size_t count = shape.count(value);
    made.reserve(count);
    // `at` serves readers too and so takes a mutable holder; nothing is changed through it here.
    for (std::size_t i = 0; i < count; ++i) made.push_back(json_detail::write(shape.element(), shape.at(const_cast<void*>(value), i), how));
    return made;
}

Json object(const ObjectShape& shape, const void* value, How how) {
    JsonObject made;
    made.reserve(shape.fields.size());
    for (const auto& field : shape.fields) {
        if (field.rules.is_write_only && how != How::stored) continue;
        made.emplace(field.rules.name, json_detail::write(field.shape(), field.in(const_cast<void*>(value)), how));
    }
    return made;
}

}  // namespace

Json json_detail::write(const Shape& shape, const void* value, How how) {
    switch (shape.kind) {
        case Kind::boolean:
            return *static_cast<const bool*>(value);
        case Kind::integer: {
            const std::int64_t bits = load_integer(value, shape.size, shape.is_signed);
            return shape.is_signed ? Json(bits) : Json(static_cast<std::uint64_t>(bits));
        }
        case Kind::real:
            return shape.size == sizeof(float) ? *static_cast<const float*>(value) : *static_cast<const double*>(value);
        case Kind::text:
            return Json(std::string_view(*static_cast<const std::string*>(value)));
        case Kind::parsed:
            return Json(std::string_view(shape.print(value)));
        case Kind::timestamp:
            return Json(std::string_view(rfc3339(*static_cast<const Timestamp*>(value))));
        case Kind::duration:
            return Json(std::string_view(duration_text(*static_cast<const Duration*>(value))));
        case Kind::money:
            return money(*static_cast<const Money*>(value));
        case Kind::word:
            return word_of(shape, value);
        case Kind::json:
            return *static_cast<const Json*>(value);
        case Kind::maybe:
            return shape.count(value) == 0 ? Json(nullptr) : write(shape.element(), shape.at(const_cast<void*>(value), 0), how);
        case Kind::list:
            return list(shape, value, how);
        case Kind::map: {
            JsonObject made;
            for (const auto& [key, text] : *static_cast<const std::map<std::string, std::string>*>(value)) made.emplace(key, text);
            return made;
        }
        case Kind::object:
            return object(shape.object(), value, how);
    }
    return nullptr;
}

std::string duration_text(Duration duration) {
    const std::int64_t count = duration.count();
    // The magnitude is taken without a sign: the lowest int64 has no positive twin.
    const std::uint64_t magnitude = count < 0 ? 0 - static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>(count);
    std::string text = fmt::format("{}{}", count < 0 ? "-" : "", magnitude / nanos_per_unit);
    if (const std::uint64_t rest = magnitude % nanos_per_unit; rest != 0) {
        text += fmt::format(".{:09}", rest);
        text.erase(text.find_last_not_of('0') + 1);
    }
    return text + 's';
}

std::optional<Duration> parse_duration(std::string_view text) {
    if (!text.ends_with('s')) return std::nullopt;
    text.remove_suffix(1);
    const bool is_negative = text.starts_with('-');
    if (is_negative) text.remove_prefix(1);
    const std::size_t dot = std::min(text.find('.'), text.size());
    const std::string_view whole = text.substr(0, dot);
    const std::string_view decimals = dot < text.size() ? text.substr(dot + 1) : std::string_view();
    constexpr std::size_t seconds_digits_max = 10, decimals_max = 9;
    const bool has_empty_part = whole.empty() || (dot < text.size() && decimals.empty());
    if (has_empty_part || whole.size() > seconds_digits_max || decimals.size() > decimals_max) return std::nullopt;
    std::uint64_t nanos = 0;
    const auto take = [&](char c) {
        if (c < '0' || c > '9') return false;
        nanos = nanos * 10 + static_cast<std::uint64_t>(c - '0');
        return true;
    };
    for (const char c : whole)
        if (!take(c)) return std::nullopt;
    if (nanos >= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / nanos_per_unit) return std::nullopt;
    for (std::size_t i = 0; i < decimals_max; ++i)
        if (!take(i < decimals.size() ? decimals[i] : '0')) return std::nullopt;
    const auto count = static_cast<std::int64_t>(nanos);
    return Duration(is_negative ? -count : count);
}

}  // namespace meridian::inline resource
