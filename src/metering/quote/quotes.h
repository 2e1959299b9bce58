// Quotes: made before a run, kept as rows, held in memory while they can be used, and used once. What has been used is known by the
// ledger, whose receipts name their quotes; nothing else says so.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/async.h"
#include "base/rng.h"
#include "geography/types.h"
#include "identity/service.h"
#include "keys/keys.h"
#include "metering/quote/estimator.h"
#include "metering/quote/interval.h"
#include "metering/quote/types.h"
#include "store/store.h"

namespace meridian::metering {

struct QuoteWish {
    QuoteKind kind = QuoteKind::chat;
    std::optional<ProjectId> project;  // nothing: the caller's
    Json request;
};

class Quotes {
public:
    // `zone`: where all of it runs, with what is declared of it.
    Quotes(store::Store& store, Meter& meter, const keys::SealingKey& key, Clock& clock, Rng& rng, Pool& files, geography::ZoneFacts zone);
    // Who estimates runs of that kind. Before serving; the estimator outlives this.
    void serve(QuoteKind kind, Estimator& estimator) { estimators_[kind] = &estimator; }
    // Reads what can still be used, and what has been. Blocking; before serving.
    void load();

    Task<SeenQuote> create(identity::Caller caller, QuoteWish wish);
    // What the caller may not see is not_found.
    Task<SeenQuote> get(identity::Caller caller, QuoteId id);
    // Newest first, before `before`.
    Task<std::vector<SeenQuote>> list(identity::Caller caller, std::optional<QuoteId> before, std::size_t limit);

    // The quote belongs to one run from here on. Error{not_found, gone, conflict} where it cannot be. One short lock.
    Claimed claim(const QuoteId& id, const Claim& by);
    // A row of before a restart says that a run by this quote is to come.
    void keep(const QuoteId& id);
    // The run never began: the quote can be used by another one. One that has its receipt stays used.
    void release(const QuoteId& id);

    // Learns from the receipts since the last call. Blocking.
    void learn();

private:
    struct Open {
        ProjectId project;
        QuoteKind kind = QuoteKind::chat;
        std::string model, digest;
        Price price{};
        Money ceiling{};
        std::string interval;
        Work work{};
        Seconds promised{};
        Timestamp valid_until{};
        bool is_used = false;
    };
    static Open open_of(const Quote& quote);
    void remember(const Quote& quote, bool is_used);
    void forget_old(Timestamp now);
    [[nodiscard]] std::string marked(std::string_view digest) const;
    void check_room(const ProjectId& project);
    void foretell(Offer& offer);
    [[nodiscard]] SeenQuote seen(Quote quote);
    void learn_from(const Receipt& receipt);

    store::Store& store_;
    Meter& meter_;
    const keys::SealingKey& key_;
    Clock& clock_;
    Rng& rng_;
    Pool& files_;
    geography::ZoneFacts zone_;
    std::map<QuoteKind, Estimator*> estimators_;
    Intervals intervals_;

    std::mutex mutex_;
    std::unordered_map<QuoteId, Open> open_;
    std::unordered_map<ProjectId, std::size_t> usable_;  // open ones of each project, as of `counted_at_`
    Timestamp counted_at_{};

    std::mutex learning_;
    std::int64_t learned_ = 0;  // receipts before this index
};

// A quote that a run has claimed: given back when the run never began.
class HeldQuote {
public:
    HeldQuote(Quotes& quotes, const QuoteId& id, const Claim& by) : quotes_(&quotes), id_(id), claimed_(quotes.claim(id, by)) {}
    HeldQuote(HeldQuote&& other) noexcept : quotes_(std::exchange(other.quotes_, nullptr)), id_(other.id_), claimed_(other.claimed_) {}
    HeldQuote& operator=(HeldQuote&&) = delete;
    ~HeldQuote() {
        if (quotes_) quotes_->release(id_);
    }
    [[nodiscard]] const QuoteId& id() const { return id_; }
    [[nodiscard]] const Claimed& claimed() const { return claimed_; }
    // The run has its opening in the ledger, and the quote is used for good.
    void began() { quotes_ = nullptr; }

private:
    Quotes* quotes_;
    QuoteId id_;
    Claimed claimed_;
};

// POST and GET /meridian/v1/quotes, GET /meridian/v1/quotes/{id}
void add_quote_routes(http::Router& router, Quotes& quotes);

}  // namespace meridian::metering
