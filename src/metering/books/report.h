// From rows of the books to lines that people read: periods of a time zone, groups, and the words and units of each kind. Pure.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time_zone.h"
#include "metering/service.h"

namespace meridian::metering {

inline constexpr std::size_t periods_max = 1000;  // of one question

struct Periods {
    std::vector<Timestamp> edges;
    std::vector<std::string> days, months;  // names by period; months and days of the zone
};
enum class Step { whole, days, months };
// The days or months that [from, to) touches, its ends cut to it. Throws Error{invalid} past `periods_max`.
Periods periods_of(Timestamp from, Timestamp to, Step step, const TimeZone& zone);

enum class GroupBy { project, principal, kind, model, day, month, zone };

// `values` as the groups were asked for.
struct UsageLine {
    std::vector<std::string> values;
    Totals totals;
};
// In the order of their values; without groups one line, also when there was nothing.
std::vector<UsageLine> grouped(std::span<const UsageRow> rows, std::span<const GroupBy> by, const Periods& periods, std::string_view zone);

// What a kind is billed by. Chats are billed by input and output, which have prices of their own: their number is the sum.
struct Measure {
    std::string_view unit;  // "token", "second", "run"
    std::string quantity;   // a decimal
};
Measure measure_of(Kind kind, const Totals& totals);

enum class Field { ai, quantum };
Field field_of(Kind kind);
std::string_view title(Kind kind);  // "Chat completions"
std::string sku(Kind kind, std::string_view model);

// The months of UTC that bills are made for.
Span bill_month(Timestamp t);
// Of an organization's bill of the month that begins then; the same for everybody who reckons it.
Uuid invoice_id(const OrganizationId& organization, Timestamp month);
std::optional<Span> parse_month(std::string_view text);  // "2026-11"

}  // namespace meridian::metering
