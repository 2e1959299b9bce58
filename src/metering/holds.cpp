// The two verbs: what a run passes before it begins and after it ended.
#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "metering/budget/words.h"
#include "metering/ledger_meter.h"
#include "metering/price.h"

namespace meridian::metering {
namespace {

// Others may take what was lent for this run; this often it asks again.
constexpr int borrow_tries = 8;

}  // namespace

Hold::Hold(Hold&& other) noexcept
    : meter_(std::exchange(other.meter_, nullptr)),
      id_(other.id_),
      start_(std::move(other.start_)),
      noted_(other.noted_),
      commitments_(other.commitments_),
      reservation_(std::move(other.reservation_)),
      started_at_(other.started_at_),
      started_steady_(other.started_steady_) {}

Hold::~Hold() {
    if (!meter_) return;
    const auto id = id_;
    try {
        meter_->settle(std::move(*this), noted_, Outcome::failed);
    } catch (const Error& e) {
        log::error("metering", "run {} has no receipt until the next start: {}; {}", id.str(), e.said, e.logged);
    }
}

void Hold::note_node(std::string node) { start_.node = tidy_node(node); }

LedgerMeter::TriedHold LedgerMeter::try_hold(RunStart& start) {
    if (!is_bounded(start.price)) throw Error(Fault::invalid, "The model's price is out of range; correct it in the catalogue.");
    MERIDIAN_ASSERT(!start.ceiling || *start.ceiling >= Money());
    tidy(start);
    Hold made;
    made.start_ = std::move(start);
    made.started_at_ = clock_.now();
    made.started_steady_ = clock_.steady();
    made.id_ = made.start_.id;
    if (made.id_.is_nil())
        made.id_ = RunId(Uuid::ordered(rng_, std::chrono::floor<std::chrono::milliseconds>(made.started_at_).time_since_epoch().count()));
    auto record = unsealed(256);
    add_opening(record, made.id_, made.start_, made.started_at_);
    const auto kept = room_for_receipt(made.start_) + checkpoint_room;
    for (;;) {
        journal_.make_ready();
        {
            const std::lock_guard lock(mutex_);
            check_writable();
            if (book_.index_of(made.id_)) throw Error(Fault::conflict, "This run has its receipt already.").about("run", made.id_.str());
            if (journal_.has_room(record.size() + kept)) {
                auto reserved = purses_.reserve(made.start_, made.start_.ceiling.value_or(made.start_.first_slice), made.started_at_);
                if (const auto* no = std::get_if<Purses::Refusal>(&reserved)) throw refused(*no);
                if (auto* wanted = std::get_if<Purses::Wanting>(&reserved)) {
                    start = std::move(made.start_);
                    return *wanted;
                }
                made.reservation_ = std::move(std::get<Purses::Reservation>(reserved));
                try {
                    journal_.append(RecordType::opened, record);
                } catch (...) {
                    purses_.release(made.reservation_);
                    throw;
                }
                journal_.reserve(kept);
                made.meter_ = this;
                return made;
            }
        }
        journal_.make_room(record.size() + kept);
    }
}

Hold LedgerMeter::hold(RunStart start) {
    auto tried = try_hold(start);
    if (auto* made = std::get_if<Hold>(&tried)) return std::move(*made);
    throw no_lease();
}

Task<> LedgerMeter::borrow(Purses::Wanting wanted) {
    Lender* lender = nullptr;
    {
        const std::lock_guard lock(mutex_);
        lender = lender_;
    }
    if (!lender) throw no_lease();
    co_await lender->lend(wanted);
}

Task<Hold> LedgerMeter::begin(RunStart start) {
    for (int tries = 0; tries < borrow_tries; ++tries) {
        auto tried = try_hold(start);
        if (auto* made = std::get_if<Hold>(&tried)) co_return std::move(*made);
        co_await borrow(std::get<Purses::Wanting>(tried));
    }
    throw no_lease();
}

Task<std::optional<Error>> LedgerMeter::extend(Hold& hold, Money more) {
    MERIDIAN_ASSERT(hold.meter_ == this);
    for (int tries = 0; tries < borrow_tries; ++tries) {
        std::optional<Purses::Wanting> wanted;
        {
            const std::lock_guard lock(mutex_);
            auto tried = purses_.extend(hold.reservation_, more, clock_.now());
            if (const auto* no = std::get_if<Purses::Refusal>(&tried)) co_return refused(*no);
            if (const auto* short_of = std::get_if<Purses::Wanting>(&tried)) wanted = *short_of;
        }
        if (!wanted) co_return std::nullopt;
        try {
            co_await borrow(*wanted);
        } catch (const Error& e) {
            co_return e;
        }
    }
    co_return no_lease();
}

Receipt LedgerMeter::settle(Hold&& hold, const Usage& usage, Outcome outcome) {
    MERIDIAN_ASSERT(hold.meter_ == this);
    hold.meter_ = nullptr;
    Receipt made;
    made.id = hold.id_;
    made.start = std::move(hold.start_);
    made.usage = bounded(usage);
    made.commitments = hold.commitments_;
    made.outcome = outcome;
    made.started_at = hold.started_at_;
    // From the steady clock, because the other one may have been set meanwhile.
    made.took = std::max(Duration::zero(), Duration(clock_.steady() - hold.started_steady_));
    made.ended_at = made.started_at + std::chrono::duration_cast<Timestamp::duration>(made.took);
    if (hold.is_bounded()) made.start.ceiling = std::min(made.start.ceiling.value_or(hold.reserved()), hold.reserved());
    made.cost = Cost(made.start.price, made.usage, made.start.ceiling).total();
    made.zone = zone_;
    made.place = place_;
    made.jurisdiction = jurisdiction_;
    made.leaf = writer_.write(made);
    auto prepared = prepare(made);
    const std::lock_guard lock(mutex_);
    purses_.release(hold.reservation_);
    made.index = static_cast<std::int64_t>(append_receipt(made, std::move(prepared)));
    return made;
}

void LedgerMeter::know_budgets(const std::vector<Budget>& budgets) {
    const std::lock_guard lock(mutex_);
    purses_.know(budgets);
}

void LedgerMeter::lend(const Lease& lease) {
    const std::lock_guard lock(mutex_);
    purses_.lend(lease);
}

std::optional<Lease> LedgerMeter::give_back(const BudgetId& budget, Timestamp from, Money keep) {
    const std::lock_guard lock(mutex_);
    return purses_.give_back(budget, from, keep);
}

std::optional<Purses::State> LedgerMeter::budget(const BudgetId& budget, Timestamp t) {
    const std::lock_guard lock(mutex_);
    return purses_.state(budget, t);
}

std::vector<BudgetId> LedgerMeter::take_touched_budgets() {
    const std::lock_guard lock(mutex_);
    return purses_.take_touched();
}

void LedgerMeter::borrow_from(Lender* lender) {
    const std::lock_guard lock(mutex_);
    lender_ = lender;
}

}  // namespace meridian::metering
