// Money is integer nano-euros; a rate times a quantity goes through 128 bits and is rounded half to even once.
#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace meridian {

class Money {
public:
    constexpr Money() = default;
    static constexpr Money nanos(std::int64_t n) { return Money(n); }
    // "0.25", "-3", up to nine decimals; nothing else.
    static std::optional<Money> parse(std::string_view decimal);

    [[nodiscard]] constexpr std::int64_t count() const { return nanos_; }
    [[nodiscard]] std::string str() const;  // "0.25", no trailing zeros
    auto operator<=>(const Money&) const = default;

    // Checked: overflow throws Error{bug}.
    Money operator+(Money other) const;
    Money operator-(Money other) const;
    Money& operator+=(Money other) { return *this = *this + other; }

private:
    explicit constexpr Money(std::int64_t n) : nanos_(n) {}
    std::int64_t nanos_ = 0;
};

// round_half_even(rate * quantity / per); `per` > 0. Throws Error{bug} when the result leaves int64.
Money prorated(Money rate, std::int64_t quantity, std::int64_t per);

// Energy is integer millijoules.
class Millijoules {
public:
    constexpr Millijoules() = default;
    explicit constexpr Millijoules(std::int64_t n) : count_(n) {}
    [[nodiscard]] constexpr std::int64_t count() const { return count_; }
    auto operator<=>(const Millijoules&) const = default;
    Millijoules operator+(Millijoules o) const { return Millijoules(count_ + o.count_); }

private:
    std::int64_t count_ = 0;
};

}  // namespace meridian
