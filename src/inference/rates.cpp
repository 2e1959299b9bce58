#include "inference/rates.h"

#include <fmt/format.h>

#include <algorithm>

namespace meridian::inference {
namespace {

// Before a run nobody has counted: about four bytes are a token of a prompt, and an answer without a limit has some hundred.
constexpr std::int64_t bytes_a_token = 4, usual_answer = 256;

std::int64_t about(const Asked& asked) {
    const auto output = asked.operation == Operation::embedding ? 0 : asked.output_max.value_or(usual_answer) * asked.choices;
    return static_cast<std::int64_t>(asked.text_bytes) / bytes_a_token + std::min<std::int64_t>(output, 1 << 20);
}

// "6m0s", "1.5s", "20ms", as Go writes durations and OpenAI its headers.
std::string in_words(Duration duration) {
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(duration).count();
    if (ms < 1000) return fmt::format("{}ms", ms);
    if (ms < 60'000) return fmt::format("{:.3g}s", static_cast<double>(ms) / 1e3);
    return fmt::format("{}m{}s", ms / 60'000, ms / 1000 % 60);
}

void add(http::Headers& headers, std::string_view kind, const std::optional<metering::Limiter::Shown>& shown) {
    if (!shown) return;
    headers.add(fmt::format("x-ratelimit-limit-{}", kind), std::to_string(shown->limit));
    headers.add(fmt::format("x-ratelimit-remaining-{}", kind), std::to_string(shown->remaining));
    headers.add(fmt::format("x-ratelimit-reset-{}", kind), in_words(shown->reset));
}

}  // namespace

Rates::Rates(metering::Limiter* limiter, Clock* clock, const identity::Caller& caller, const Asked& asked)
    : limiter_(limiter), clock_(clock), caller_(caller), taken_(about(asked)) {
    if (!limiter_) return;
    answer_ = limiter_->take(scopes(), taken_, clock_->steady());
    if (answer_.is_let_in) return;
    const auto& bucket = answer_.is_by_tokens ? answer_.tokens : answer_.requests;
    throw Error(Fault::busy, fmt::format("The limit of {} {} a minute is reached; try again in {}.", bucket ? bucket->limit : 0,
                                         answer_.is_by_tokens ? "tokens" : "requests", in_words(answer_.retry_after)))
        .with_code("rate_limit_exceeded")
        .after(answer_.retry_after);
}

void Rates::add_headers(http::Headers& headers) const {
    add(headers, "requests", answer_.requests);
    add(headers, "tokens", answer_.tokens);
}

void Rates::correct(const metering::Usage& usage) {
    if (!limiter_ || !answer_.tokens) return;
    const auto used = usage.input_tokens + usage.output_tokens;
    limiter_->correct(scopes(), used - taken_, clock_->steady());
    taken_ = used;
}

}  // namespace meridian::inference
