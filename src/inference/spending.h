// How far the money of one run reaches: what it may cost at most before it begins, and what of its answer is paid for while it runs.
#pragma once
#include <cstdint>
#include <optional>

#include "inference/chat_request.h"
#include "metering/service.h"

namespace meridian::inference {

// What a request may use at most. Every token of a prompt is at least a byte of it; templates add some of their own.
struct Bounds {
    std::int64_t input_tokens = 0;
    std::optional<std::int64_t> output_tokens;  // of all choices; nothing: until the model ends, or its context
};
Bounds bounds_of(const Asked& asked, const Served& served);

class Spending {
public:
    Spending(const Asked& asked, const Served& served, const metering::Price& price);
    // What a hard budget must have before the run begins: the whole of what it may cost where that is known, else its first slice.
    [[nodiscard]] Money first() const;

    // For an answer that comes whole and has no limit of its own: as many tokens as there is money for, up to some thousands. Gives the
    // limit for one choice.
    Task<std::optional<std::int64_t>> limit_whole(metering::Meter& meter, metering::Hold& hold);
    // For a stream that has passed on so many tokens: pays for the next slice when few are left. Gives why it must end here.
    Task<std::optional<Error>> before_more(metering::Meter& meter, metering::Hold& hold, std::int64_t output_tokens);

    // Output tokens, of all choices, that are paid for; no end where nothing limits them.
    [[nodiscard]] std::int64_t reaches(const metering::Hold& hold) const;

private:
    [[nodiscard]] Money cost(std::int64_t output_tokens) const;

    metering::Price price_;
    Bounds bounds_;
    std::int64_t choices_, whole_max_;
    std::int64_t paid_;  // output tokens, of all choices
};

}  // namespace meridian::inference
