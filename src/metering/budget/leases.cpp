// The budgets' leases: what this zone may spend, how more is lent to it, and how the rest comes back.
#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "base/log.h"
#include "metering/budget/service.h"
#include "metering/budget/words.h"

namespace meridian::metering {
namespace {

// What is lent at once is this part of the limit, or what a run needs when that is more: so much a power cut may cost.
constexpr std::int64_t pieces = 64;
Money piece_of(Money limit) { return Money::nanos(std::max<std::int64_t>(1, limit.count() / pieces)); }

}  // namespace

void Budgets::know() {
    const std::lock_guard turn(turn_);
    meter_.know_budgets(store_.read_now([](store::Tx& tx) { return rows::budgets(tx); }));
}

void Budgets::begin() {
    know();
    for (const auto& row : store_.read_now([this](store::Tx& tx) { return rows::leases_of_zone(tx, options_.zone); })) account(row);
    meter_.borrow_from(this);
}

// Between two starts of one machine nothing is lost that was written, whatever became of the process. Otherwise what was lent and is not
// in a receipt may have been spent by runs whose receipts are gone.
void Budgets::account(const rows::LeaseRow& row) {
    const auto state = meter_.budget(row.lease.budget, row.lease.from);
    if (!state) return;
    auto now = row;
    if (row.boot != options_.boot) {
        const auto lost = std::max(Money(), row.lease.granted - state->spent);
        now.lease.unaccounted += lost;
        now.lease.granted = state->spent;
        now.boot = options_.boot;
        store_.write_now([&](store::Tx& tx) { rows::put(tx, now); });
        if (lost > Money())
            log::warn("metering", "budget {}: {} EUR were lent when the machine went down and are in no receipt; they count as spent",
                      row.lease.budget.str(), lost.str());
    }
    meter_.lend(now.lease);
    if (state->window.contains(clock_.now())) lent_[{now.lease.budget, now.lease.from}] = {now.lease, state->spent};
}

Task<> Budgets::lend(Purses::Wanting wanted) {
    co_await on(store_.pool(), [this, wanted] { lend_now(wanted); });
}

void Budgets::lend_now(const Purses::Wanting& wanted) {
    const std::lock_guard turn(turn_);
    const auto state = meter_.budget(wanted.budget, wanted.from);
    if (!state) return;  // it was removed; the run asks again and finds it gone
    const auto row = store_.write_now([&](store::Tx& tx) -> std::optional<rows::LeaseRow> {
        const auto budget = rows::budget(tx, wanted.budget);
        if (!budget) return std::nullopt;
        auto lent = rows::lease(tx, wanted.budget, wanted.from, options_.zone)
                        .value_or(rows::LeaseRow{{wanted.budget, wanted.from, {}, {}, {}}, options_.zone, {}});
        // What was lent already and the meter has not heard of, it is told first.
        if (state->granted >= lent.lease.granted && wanted.more > Money()) {
            const auto committed = rows::committed(tx, wanted.budget, wanted.from);
            const auto free = std::max(Money(), budget->limit - std::min(committed, budget->limit));
            if (free < wanted.more)
                throw refused(
                    {*budget, committed, wanted.more, budget->period == Period::total ? std::nullopt : std::optional(state->window.to)});
            lent.lease.granted += std::min(free, std::max(wanted.more, piece_of(budget->limit)));
        }
        lent.lease.expires_at = clock_.now() + std::chrono::duration_cast<Timestamp::duration>(options_.lease_time);
        lent.boot = options_.boot;
        rows::put(tx, lent);
        return lent;
    });
    if (!row) return;
    meter_.lend(row->lease);
    lent_[{wanted.budget, wanted.from}] = {row->lease, state->spent};
}

// All that was lent and is neither spent nor reserved, but for `keep`. The meter goes first: from then on nobody spends it.
Task<> Budgets::give_back(Lease lease, Money keep) {
    co_await on(store_.pool(), [this, lease, keep] {
        const std::lock_guard turn(turn_);
        const auto left = meter_.give_back(lease.budget, lease.from, keep);
        if (!left) return;
        store_.write_now([&](store::Tx& tx) {
            auto row = rows::lease(tx, lease.budget, lease.from, options_.zone);
            if (!row || row->lease.granted <= left->granted) return;
            row->lease.granted = left->granted;
            rows::put(tx, *row);
        });
    });
}

Task<> Budgets::tend(Lease lease) {
    const auto state = meter_.budget(lease.budget, lease.from);
    const auto key = std::pair(lease.budget, lease.from);
    if (!state) {
        const std::lock_guard turn(turn_);
        lent_.erase(key);
        co_return;
    }
    bool is_used = state->reserved > Money();
    {
        const std::lock_guard turn(turn_);
        if (const auto lent = lent_.find(key); lent != lent_.end())
            is_used = is_used || std::exchange(lent->second.spent, state->spent) != state->spent;
    }
    const auto now = clock_.now();
    const bool is_over = !state->window.contains(now) && state->reserved == Money();
    const bool is_old = lease.expires_at - now < options_.lease_time / 2;
    const auto piece = piece_of(state->budget.limit);
    if (is_over || (is_old && !is_used)) {
        co_await give_back(lease, Money());
        const std::lock_guard turn(turn_);
        lent_.erase(key);
    } else if (is_old) {
        co_await lend({lease.budget, lease.from, Money()});
    } else if (state->granted - state->spent > state->reserved + piece + piece) {
        co_await give_back(lease, piece);
    }
}

Task<> Budgets::look() {
    for (const auto& id : meter_.take_touched_budgets()) co_await on(store_.pool(), [this, id] { raise_alerts(id); });
    std::vector<Lease> all;
    {
        const std::lock_guard turn(turn_);
        for (const auto& [key, lent] : lent_) all.push_back(lent.lease);
    }
    for (const auto& lease : all) co_await tend(lease);
}

Task<> Budgets::run() {
    const auto executor = co_await asio::this_coro::executor;
    const auto changed = std::make_shared<Event>(executor);
    const auto token = store_.feed().listen(executor, {"budgets"}, [changed](store::Revision) { changed->notify(); });
    std::string failure;
    for (;;) {
        const bool is_changed = co_await changed->wait(clock_, options_.look_every);
        std::string failed;
        try {
            if (is_changed) co_await on(store_.pool(), [this] { know(); });
            co_await look();
        } catch (const Error& e) {
            failed = e.said + " " + e.logged;
        }
        if (failed != failure && !failed.empty()) log::error("metering", "budgets cannot be looked after: {}", failed);
        failure = std::move(failed);
    }
}

Task<> Budgets::end() {
    meter_.borrow_from(nullptr);
    try {
        // So that all that was spent is in receipts that the next start finds.
        co_await meter_.durable();
        std::vector<Lease> all;
        {
            const std::lock_guard turn(turn_);
            for (const auto& [key, lent] : lent_) all.push_back(lent.lease);
        }
        for (const auto& lease : all) co_await give_back(lease, Money());
    } catch (const Error& e) {
        log::warn("metering", "leases of budgets were not given back: {} {}", e.said, e.logged);
    }
}

}  // namespace meridian::metering
