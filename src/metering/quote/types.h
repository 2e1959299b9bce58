// The nouns of quotes: what a run will cost at most, said before it, and the offers that one may be run by.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/id.h"
#include "base/money.h"
#include "base/time.h"
#include "metering/price.h"
#include "metering/quote/interval.h"
#include "metering/service.h"
#include "resource/fields.h"

namespace meridian::metering {

enum class QuoteKind { chat, completion, embedding, batch, deployment, quantum_job };
// exact: it costs that, neither more nor less; ceiling: at most that.
enum class Binding { exact, ceiling };
enum class QuoteState { open, used, expired };
constexpr auto names(As<QuoteKind>) {
    return words<QuoteKind>({{QuoteKind::chat, "chat"},
                             {QuoteKind::completion, "completion"},
                             {QuoteKind::embedding, "embedding"},
                             {QuoteKind::batch, "batch"},
                             {QuoteKind::deployment, "deployment"},
                             {QuoteKind::quantum_job, "quantum_job"}});
}
constexpr auto names(As<Binding>) { return words<Binding>({{Binding::exact, "exact"}, {Binding::ceiling, "ceiling"}}); }
constexpr auto names(As<QuoteState>) {
    return words<QuoteState>({{QuoteState::open, "open"}, {QuoteState::used, "used"}, {QuoteState::expired, "expired"}});
}

// That nobody whom this id is told may use such a quote. Error{not_found}.
Error no_quote(std::string_view id);
// The quote that a request names. Throws `no_quote` where that is no id.
QuoteId quote_named(std::string_view text);

struct QuoteLine {
    std::string unit;
    std::int64_t quantity = 0;
    Money amount{};
};

// One way to have it: what it costs there, and what is known of it before.
struct Offer {
    std::string zone, node_type;  // node type "": an external endpoint
    Binding binding = Binding::ceiling;
    Money price{};
    std::vector<QuoteLine> lines = {};
    Price rates{};  // that the run is charged by, whatever the price list says then
    std::optional<Millijoules> energy = std::nullopt;
    std::string energy_basis = "unknown";
    std::optional<std::int64_t> co2_milligrams = std::nullopt;  // nothing where the zone's intensity is not declared
    // Where the time is learned: which interval, what work, and seconds for a unit of it as a first guess.
    std::string interval = {};
    Work work{};
    double guess = 0;
    Seconds seconds{};
    std::uint32_t nodes = 1;  // that work at it at once
};

struct Quote {
    QuoteId id;
    OrganizationId organization;
    ProjectId project;
    PrincipalId principal;
    QuoteKind kind = QuoteKind::chat;
    std::string model;   // or the platform
    std::string digest;  // of the request: the run must be this one
    std::vector<Offer> offers;
    Timestamp created_at, valid_until;
};
// As it is seen: of the run only where that has its receipt.
struct SeenQuote {
    Quote quote;
    QuoteState state = QuoteState::open;
    std::optional<RunId> run = std::nullopt;
};

// The lines and the price of an offer from what would be used at most under its rates.
void price_offer(Offer& offer, const Usage& most);

// What is learned from the receipts of token runs, and under which name; estimators say the same of a request.
Work token_work(std::int64_t input, std::int64_t output);
std::string interval_of(std::string_view kind, std::string_view model, std::string_view node);

// Who runs by a quote, and what.
struct Claim {
    ProjectId project;
    QuoteKind kind = QuoteKind::chat;
    std::string_view model;
    std::optional<std::string_view> digest = std::nullopt;  // nothing: what is run was held against the offer
};
struct Claimed {
    Price price{};
    Money ceiling{};
};

namespace limits {
inline constexpr Duration quote_validity = std::chrono::minutes(15);
inline constexpr Duration quote_kept = std::chrono::hours(24 * 30);   // its row
inline constexpr Duration quote_remembered = std::chrono::hours(24);  // after its end, so that a claim hears that it has expired
inline constexpr std::size_t quotes_open = 100'000, quotes_open_per_project = 5'000;
inline constexpr std::size_t quote_body_bytes = 4 * 1024 * 1024;
inline constexpr std::size_t quote_offers = 64;
inline constexpr std::size_t receipts_learned = 4'000;  // at once; of more, the newest
}  // namespace limits

}  // namespace meridian::metering
