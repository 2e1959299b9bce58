#include "base/money.h"

#include <fmt/format.h>

#include <charconv>

#include "base/error.h"

namespace meridian {
namespace {

constexpr std::int64_t nanos_per_euro = 1'000'000'000;
constexpr std::size_t decimals_max = 9;

[[noreturn]] void overflow(std::string_view doing, std::int64_t a, std::int64_t b) {
    throw Error(Fault::bug, "An amount of money is too large to be computed.", fmt::format("overflow in {} of {} and {}", doing, a, b));
}

bool all_digits(std::string_view text) { return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos; }

}  // namespace

std::optional<Money> Money::parse(std::string_view decimal) {
    const bool negative = decimal.starts_with('-');
    if (negative) decimal.remove_prefix(1);
    const auto dot = decimal.find('.');
    const auto euros = decimal.substr(0, dot);
    const auto rest = dot == std::string_view::npos ? std::string_view("0") : decimal.substr(dot + 1);
    if (!all_digits(euros) || !all_digits(rest) || rest.size() > decimals_max || (euros.size() > 1 && euros[0] == '0')) return std::nullopt;
    std::string digits(euros);
    digits += rest;
    digits.append(decimals_max - rest.size(), '0');
    if (negative) digits.insert(0, "-");
    std::int64_t value = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc()) return std::nullopt;
    return Money(value);
}

std::string Money::str() const {
    const auto size = nanos_ < 0 ? 0 - static_cast<std::uint64_t>(nanos_) : static_cast<std::uint64_t>(nanos_);
    std::string text(nanos_ < 0 ? "-" : "");
    text += fmt::format_int(size / nanos_per_euro).c_str();
    if (const auto rest = size % nanos_per_euro) {
        const fmt::format_int decimals(rest);
        text += '.';
        text.append(decimals_max - decimals.size(), '0');
        text.append(decimals.data(), decimals.size());
        text.erase(text.find_last_not_of('0') + 1);
    }
    return text;
}

Money Money::operator+(Money other) const {
    std::int64_t sum;
    if (__builtin_add_overflow(nanos_, other.nanos_, &sum)) overflow("the sum", nanos_, other.nanos_);
    return Money(sum);
}

Money Money::operator-(Money other) const {
    std::int64_t difference;
    if (__builtin_sub_overflow(nanos_, other.nanos_, &difference)) overflow("the difference", nanos_, other.nanos_);
    return Money(difference);
}

Money prorated(Money rate, std::int64_t quantity, std::int64_t per) {
    MERIDIAN_ASSERT(per > 0);
    const auto product = static_cast<__int128>(rate.count()) * quantity;
    auto quotient = product / per;
    auto rest = product % per;
    if (rest < 0) {  // towards minus infinity, so that one rule serves both signs
        rest += per;
        --quotient;
    }
    const auto twice = rest * 2;
    if (twice > per || (twice == per && quotient % 2 != 0)) ++quotient;
    const auto result = static_cast<std::int64_t>(quotient);
    if (result != quotient) overflow("the proration", rate.count(), quantity);
    return Money::nanos(result);
}

}  // namespace meridian
