#include "resource/sql_bind.h"

#include <fmt/format.h>

namespace meridian::inline resource::sql_detail {

namespace {

// f(column, position from 1) for each field that has a column.
template <class F>
std::string joined(const ObjectShape& object, F f) {
    std::string list;
    int position = 0;
    for (const auto& field : object.fields) {
        if (!field.rules.has_column) continue;
        const std::string each = f(field.rules.column_name(), ++position);
        if (!each.empty()) list.append(list.empty() ? "" : ", ").append(each);
    }
    return list;
}

}  // namespace

std::string column_list(const ObjectShape& object, std::string_view prefix) {
    return joined(object, [&](std::string_view name, int) { return std::string(prefix).append(name); });
}

std::string placeholder_list(const ObjectShape& object, int first) {
    return joined(object, [&](std::string_view, int position) { return fmt::format("${}", first + position - 1); });
}

std::string assignment_list(const ObjectShape& object, std::string_view key, int& key_at) {
    auto list = joined(object, [&](std::string_view name, int position) {
        if (name == key) key_at = position;
        return name == key ? std::string() : fmt::format("{} = ${}", name, position);
    });
    MERIDIAN_ASSERT(key_at != 0);
    return list;
}

void damaged(std::string_view column) {
    throw Error(Fault::bug, "A stored value is damaged. Tell the operator.",
                fmt::format("column {} does not hold what its field does", column));
}

void read_stored(const Shape& shape, void* into, std::string_view text, std::string_view column) {
    const auto json = parse_json(text);
    if (!json) damaged(column);
    try {
        json_detail::read(shape, into, *json, json_detail::How::stored, {.at = column});
    } catch (const Error& error) {
        throw Error(Fault::bug, "A stored value is damaged. Tell the operator.", fmt::format("column {}: {}", column, error.said));
    }
}

std::string stored_text(const Shape& shape, const void* value) {
    return to_text(json_detail::write(shape, value, json_detail::How::stored));
}

}  // namespace meridian::inline resource::sql_detail
