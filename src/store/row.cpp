#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "store/store.h"

namespace meridian::store {
namespace {

[[noreturn]] void wrong(std::string_view column, std::string_view wanted) {
    throw Error(Fault::bug, "A stored row is not what we expected.", fmt::format("column {} read as {}", column, wanted));
}

template <class T>
const T& held(const Row& row, std::string_view column, std::string_view wanted) {
    const T* value = std::get_if<T>(&row.at(column));
    if (value == nullptr) wrong(column, wanted);
    return *value;
}

template <class I>
I whole(const Row& row, std::string_view column, std::string_view wanted) {
    const std::int64_t value = held<std::int64_t>(row, column, wanted);
    if (!std::in_range<I>(value)) wrong(column, wanted);
    return static_cast<I>(value);
}

template <class T>
std::optional<T> maybe(const Row& row, std::string_view column) {
    if (row.is_null(column)) return std::nullopt;
    return row.get<T>(column);
}

}  // namespace

const Value& Row::at(std::string_view column) const {
    const auto found = std::ranges::find(*names_, column);
    if (found == names_->end()) wrong(column, "something, but the answer has no such column");
    return values_[static_cast<std::size_t>(found - names_->begin())];
}

template <>
std::int64_t Row::get(std::string_view column) const {
    return held<std::int64_t>(*this, column, "bigint");
}
template <>
int Row::get(std::string_view column) const {
    return whole<int>(*this, column, "int");
}
template <>
std::uint32_t Row::get(std::string_view column) const {
    return whole<std::uint32_t>(*this, column, "unsigned 32 bit");
}
template <>
std::uint64_t Row::get(std::string_view column) const {
    return whole<std::uint64_t>(*this, column, "unsigned 64 bit");
}
template <>
bool Row::get(std::string_view column) const {
    const auto value = held<std::int64_t>(*this, column, "yes or no");
    if (value != 0 && value != 1) wrong(column, "yes or no");
    return value == 1;
}
template <>
double Row::get(std::string_view column) const {
    return held<double>(*this, column, "double precision");
}
template <>
std::string Row::get(std::string_view column) const {
    return held<std::string>(*this, column, "text");
}
template <>
Blob Row::get(std::string_view column) const {
    return held<Blob>(*this, column, "bytes");
}
template <>
Timestamp Row::get(std::string_view column) const {
    return Timestamp(std::chrono::microseconds(held<std::int64_t>(*this, column, "a time")));
}
template <>
Money Row::get(std::string_view column) const {
    return Money::nanos(held<std::int64_t>(*this, column, "money"));
}
template <>
std::optional<std::string> Row::get(std::string_view column) const {
    return maybe<std::string>(*this, column);
}
template <>
std::optional<std::int64_t> Row::get(std::string_view column) const {
    return maybe<std::int64_t>(*this, column);
}
template <>
std::optional<Timestamp> Row::get(std::string_view column) const {
    return maybe<Timestamp>(*this, column);
}

}  // namespace meridian::store
