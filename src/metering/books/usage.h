// What is asked of the books and what they answer: sums over the receipts of a scope, by periods.
//
// A run belongs to the quarter hour of UTC in which it began, because the midnight of every time zone is the edge of one.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/id.h"
#include "base/money.h"
#include "base/time.h"

namespace meridian::metering {

enum class Kind;
struct Usage;

// Whose receipts. An API key is named by its access key.
struct AccessKey {
    std::string text;
    auto operator<=>(const AccessKey&) const = default;
};
using Scope = std::variant<OrganizationId, ProjectId, PrincipalId, AccessKey>;

// The countable quantities of a Usage, in the order in which every table shows them.
struct Quantity {
    const char* name;
    std::int64_t Usage::* member;
    bool is_of_tokens;  // of the kinds that are charged by token, or of the others; their receipts say no other
};
inline constexpr std::size_t quantity_count = 6;
const std::array<Quantity, quantity_count>& quantities();

struct Totals {
    std::int64_t runs = 0;
    std::int64_t runs_without_energy = 0;  // nobody knows what they took; `energy` is that of the others
    Millijoules energy;
    Money cost;
    std::array<std::int64_t, quantity_count> used{};  // as `quantities` has them

    // Differences are exact whenever what is left fits, also after a sum went around.
    Totals& operator+=(const Totals& other);
    Totals& operator-=(const Totals& other);
    bool operator==(const Totals&) const = default;
};

// Periods lie between neighbouring edges, which rise. A span is widened to whole quarter hours: the first edge goes down to one,
// every other edge up.
struct UsageQuery {
    Scope scope;
    std::vector<Timestamp> edges;
};

// One combination that had runs in one period.
struct UsageRow {
    OrganizationId organization;
    ProjectId project;
    PrincipalId principal;
    std::string api_key;  // "" where the receipt names none
    Kind kind{};
    std::string model;
    std::size_t period = 0;
    Totals totals;
};

}  // namespace meridian::metering
