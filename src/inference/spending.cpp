#include "inference/spending.h"

#include <algorithm>
#include <limits>

#include "metering/price.h"

namespace meridian::inference {
namespace {

// What a chat template puts around messages and in front of them, beyond the bytes that their JSON takes anyhow.
constexpr std::int64_t template_tokens = 512;
constexpr std::int64_t slice_tokens = 256;
// A slice is paid for when so few tokens of the one before are left: pieces of a stream hold several.
constexpr std::int64_t lead_tokens = 32;
constexpr std::int64_t whole_tokens = 4096;

}  // namespace

Bounds bounds_of(const Asked& asked, const Served& served) {
    Bounds made{.input_tokens = static_cast<std::int64_t>(asked.text_bytes) + template_tokens, .output_tokens = asked.output_max};
    const auto context = static_cast<std::int64_t>(served.context);
    if (context > 0) made.input_tokens = std::min(made.input_tokens, context);
    if (asked.operation == Operation::embedding) made.output_tokens = 0;
    if (made.output_tokens) {
        if (context > 0) made.output_tokens = std::min(*made.output_tokens, context);
        made.output_tokens = std::min(*made.output_tokens * asked.choices, metering::tokens_max);
    }
    return made;
}

Spending::Spending(const Asked& asked, const Served& served, const metering::Price& price)
    : price_(price),
      bounds_(bounds_of(asked, served)),
      choices_(asked.choices),
      whole_max_(std::min<std::int64_t>(whole_tokens, served.context > 0 ? served.context : whole_tokens) * asked.choices),
      paid_(bounds_.output_tokens.value_or(slice_tokens * asked.choices)) {}

Money Spending::cost(std::int64_t output_tokens) const {
    return metering::cost_of(price_, metering::bounded({bounds_.input_tokens, output_tokens, 0}));
}

std::int64_t Spending::reaches(const metering::Hold& hold) const {
    return hold.is_bounded() && !bounds_.output_tokens ? paid_ : std::numeric_limits<std::int64_t>::max();
}

Money Spending::first() const { return cost(paid_); }

Task<std::optional<std::int64_t>> Spending::limit_whole(metering::Meter& meter, metering::Hold& hold) {
    if (!hold.is_bounded() || bounds_.output_tokens) co_return std::nullopt;
    for (auto wanted = whole_max_; wanted > paid_; wanted = std::max(paid_, wanted / 2)) {
        if (const auto no = co_await meter.extend(hold, cost(wanted) - cost(paid_))) continue;
        paid_ = wanted;
        break;
    }
    co_return paid_ / choices_;
}

Task<std::optional<Error>> Spending::before_more(metering::Meter& meter, metering::Hold& hold, std::int64_t output_tokens) {
    if (!hold.is_bounded() || bounds_.output_tokens) co_return std::nullopt;
    while (output_tokens + lead_tokens * choices_ > paid_) {
        const auto next = paid_ + slice_tokens * choices_;
        if (auto no = co_await meter.extend(hold, cost(next) - cost(paid_))) {
            // What is paid for is still made.
            if (output_tokens >= paid_) co_return no;
            co_return std::nullopt;
        }
        paid_ = next;
    }
    co_return std::nullopt;
}

}  // namespace meridian::inference
