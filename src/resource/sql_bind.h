// Structs as SQL rows, by their field tables. Knows no database: rows and transactions are whatever has the store's members
// (`get<T>(column)`, `is_null(column)`, `run(sql, values...)`).
//
// Booleans, numbers, texts, ids, Timestamp and Money go as the store has them; enums as their words; Duration as bigint
// nanoseconds, Millijoules as bigint; lists, maps, nested structs and Json as JSON text; empty optionals as null. Marks: column("x"),
// no_column.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "base/error.h"
#include "resource/json_bind.h"

namespace meridian::inline resource {

namespace sql_detail {

std::string column_list(const ObjectShape& object, std::string_view prefix);
std::string placeholder_list(const ObjectShape& object, int first);
std::string assignment_list(const ObjectShape& object, std::string_view key, int& key_at);
[[noreturn]] void damaged(std::string_view column);
// JSON text that was written by `to_sql`. Write-only fields are stored and read as well; damage is Error{bug}.
void read_stored(const Shape& shape, void* into, std::string_view text, std::string_view column);
std::string stored_text(const Shape& shape, const void* value);

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_plain =
    std::is_arithmetic_v<T> || std::same_as<T, std::string> || std::same_as<T, Timestamp> || std::same_as<T, Money>;

// A member as one of the types the store binds.
template <class M>
auto to_sql(const M& member) {
    if constexpr (is_optional<M>) {
        using Value = decltype(to_sql(*member));
        return member ? std::optional<Value>(to_sql(*member)) : std::nullopt;
    } else if constexpr (std::same_as<M, float>) {
        return static_cast<double>(member);
    } else if constexpr (is_plain<M>) {
        return member;
    } else if constexpr (Worded<M>) {
        return std::string(word(member));
    } else if constexpr (std::same_as<M, Duration> || std::same_as<M, Millijoules>) {
        return static_cast<std::int64_t>(member.count());
    } else if constexpr (Parsed<M>) {
        return std::string(member.str());
    } else {
        return stored_text(shape_of<M>(), &member);
    }
}

template <class M, class Row>
M from_sql(const Row& row, std::string_view column) {
    if constexpr (is_optional<M>) {
        if (row.is_null(column)) return std::nullopt;
        return from_sql<typename M::value_type>(row, column);
    } else if constexpr (std::same_as<M, bool> || std::same_as<M, std::string> || std::same_as<M, Timestamp> || std::same_as<M, Money> ||
                         std::same_as<M, std::int64_t> || std::same_as<M, std::uint64_t>) {
        return row.template get<M>(column);
    } else if constexpr (std::is_floating_point_v<M>) {
        return static_cast<M>(row.template get<double>(column));
    } else if constexpr (std::is_integral_v<M>) {
        const auto wide = row.template get<std::int64_t>(column);
        if (!std::in_range<M>(wide)) damaged(column);
        return static_cast<M>(wide);
    } else if constexpr (Worded<M>) {
        if (auto value = from_word<M>(row.template get<std::string>(column))) return *value;
        damaged(column);
    } else if constexpr (std::same_as<M, Duration> || std::same_as<M, Millijoules>) {
        return M(row.template get<std::int64_t>(column));
    } else if constexpr (Parsed<M>) {
        if (auto value = M::parse(row.template get<std::string>(column))) return *std::move(value);
        damaged(column);
    } else {
        M made{};
        read_stored(shape_of<M>(), &made, row.template get<std::string>(column), column);
        return made;
    }
}

}  // namespace sql_detail

// "id, name, created_at"; with a prefix: "d.id, d.name, d.created_at".
template <Described T>
std::string columns(std::string_view prefix = {}) {
    return sql_detail::column_list(object_shape_of<T>(), prefix);
}
// "$1, $2, $3".
template <Described T>
std::string placeholders(int first = 1) {
    return sql_detail::placeholder_list(object_shape_of<T>(), first);
}
template <Described T>
std::string insert_sql(std::string_view table_name) {
    return "INSERT INTO " + std::string(table_name) + " (" + columns<T>() + ") VALUES (" + placeholders<T>() + ")";
}
// Sets every column but `key`, which chooses the row. The values are those of `sql_values`, all of them.
template <Described T>
std::string update_sql(std::string_view table_name, std::string_view key) {
    int key_at = 0;
    const std::string set = sql_detail::assignment_list(object_shape_of<T>(), key, key_at);
    return "UPDATE " + std::string(table_name) + " SET " + set + " WHERE " + std::string(key) + " = $" + std::to_string(key_at);
}
// "SELECT id, name FROM deployments " + rest.
template <Described T>
std::string select_sql(std::string_view table_name, std::string_view rest = {}) {
    std::string sql = "SELECT " + columns<T>() + " FROM " + std::string(table_name);
    if (!rest.empty()) sql.append(" ").append(rest);
    return sql;
}

// f(column, member) for each member that has a column, in order.
template <Described T, class F>
void visit_columns(T&& object, F f) {
    std::apply(
        [&](const auto&... each) { ((each.rules.has_column ? void(f(each.rules.column_name(), object.*(each.member))) : void()), ...); },
        table<std::remove_cvref_t<T>>.list);
}

// A tuple of what the store binds, in the order of `columns`.
template <Described T>
auto sql_values(const T& object) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
        return std::tuple_cat([&] {
            constexpr auto& each = std::get<I>(table<T>.list);
            if constexpr (each.rules.has_column)
                return std::make_tuple(sql_detail::to_sql(object.*(each.member)));
            else
                return std::tuple<>();
        }()...);
    }(std::make_index_sequence<table<T>.size>{});
}

template <Described T, class Row>
T from_row(const Row& row) {
    T made{};
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (
            [&] {
                constexpr auto& each = std::get<I>(table<T>.list);
                using Member = typename std::remove_cvref_t<decltype(each)>::Member;
                if constexpr (each.rules.has_column) made.*(each.member) = sql_detail::from_sql<Member>(row, each.rules.column_name());
            }(),
            ...);
    }(std::make_index_sequence<table<T>.size>{});
    return made;
}

// The two statements that every room writes. Rows changed.
template <Described T, class Tx>
auto insert_row(Tx& tx, std::string_view table_name, const T& object) {
    return std::apply([&](const auto&... value) { return tx.run(insert_sql<T>(table_name), value...); }, sql_values(object));
}
template <Described T, class Tx>
auto update_row(Tx& tx, std::string_view table_name, std::string_view key, const T& object) {
    return std::apply([&](const auto&... value) { return tx.run(update_sql<T>(table_name, key), value...); }, sql_values(object));
}

}  // namespace meridian::inline resource
