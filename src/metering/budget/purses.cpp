#include "metering/budget/purses.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "metering/service.h"

namespace meridian::metering {
namespace {

// Wide enough for any sum of a few amounts.
using Wide = __int128;
Wide wide(Money money) { return money.count(); }

// Whether it holds runs back.
bool rules(const Budget& budget) { return budget.is_hard && budget.enabled; }

// Runs may begin before midnight and end long after it.
constexpr std::size_t windows_kept = 4;

}  // namespace

struct Purses::Window {
    std::shared_ptr<const Budget> budget;  // as it is now
    Span span;
    Money spent, reserved;
    Money granted, unaccounted;
    Timestamp lease_expires_at;

    [[nodiscard]] Wide used() const { return wide(spent) + wide(reserved) + wide(unaccounted); }
};

struct Purses::Purse {
    std::shared_ptr<const Budget> budget;
    TimeZone zone = TimeZone::utc();
    Scope scope;
    std::map<Timestamp, std::shared_ptr<Window>> windows;  // by their beginnings
    bool is_touched = false;
};

Purses::Purses(Spent spent) : spent_(std::move(spent)) {}
Purses::~Purses() = default;

void Purses::know(const std::vector<Budget>& budgets) {
    auto before = std::exchange(purses_, {});
    by_scope_.clear();
    for (const auto& budget : budgets) {
        const auto scope = scope_of(budget.scope, budget.scope_id);
        const auto zone = TimeZone::find(budget.time_zone);
        MERIDIAN_ASSERT(scope && zone);  // was checked before it became a row
        const auto old = before.find(budget.id);
        // Scope, period and time zone of a budget never change, so its windows stay.
        auto purse = old != before.end() ? old->second : std::make_shared<Purse>();
        purse->budget = std::make_shared<const Budget>(budget);
        purse->zone = *zone;
        purse->scope = *scope;
        for (auto& [from, window] : purse->windows) window->budget = purse->budget;
        before.erase(budget.id);
        purses_.emplace(budget.id, purse);
        by_scope_.add(*scope, purse);
    }
    // Those that were removed hold back no run that began under them.
    for (auto& [id, purse] : before) {
        auto gone = *purse->budget;
        gone.enabled = false;
        purse->budget = std::make_shared<const Budget>(std::move(gone));
        for (auto& [from, window] : purse->windows) window->budget = purse->budget;
    }
}

template <class F>
void Purses::for_each_of(const RunStart& start, F f) const {
    by_scope_.for_each_of({start.organization, start.project, start.principal, start.api_key}, [&](const std::shared_ptr<Purse>& purse) {
        if (purse->budget->organization == start.organization) f(purse);
    });
}

std::shared_ptr<Purses::Window> Purses::window_at(Purse& purse, Timestamp t) const {
    auto after = purse.windows.upper_bound(t);
    if (after != purse.windows.begin())
        if (const auto& [from, window] = *std::prev(after); window->span.contains(t)) return window;
    const auto span = window_of(purse.budget->period, purse.zone, t);
    auto made = std::make_shared<Window>();
    made->budget = purse.budget;
    made->span = span;
    made->spent = spent_(purse.scope, span);
    purse.windows.emplace(span.from, made);
    // The oldest without a run goes; what was spent in it is in the books.
    for (auto it = purse.windows.begin(); it != purse.windows.end() && purse.windows.size() > windows_kept;)
        it = it->second != made && it->second->reserved == Money() ? purse.windows.erase(it) : std::next(it);
    return made;
}

std::optional<Purses::Objection> Purses::objection(const Window& window, Money more, Timestamp now) {
    const auto& budget = *window.budget;
    const auto asked = wide(more);
    if (window.used() + asked > wide(budget.limit)) {
        const auto used = std::min(window.used(), wide(Money::nanos(std::numeric_limits<std::int64_t>::max())));
        return Refusal{budget, Money::nanos(static_cast<std::int64_t>(used)), more,
                       budget.period == Period::total ? std::nullopt : std::optional(window.span.to)};
    }
    const auto needed = wide(window.spent) + wide(window.reserved) + asked - wide(window.granted);
    if (needed > 0 || window.lease_expires_at <= now)
        return Wanting{budget.id, window.span.from, Money::nanos(static_cast<std::int64_t>(std::max<Wide>(needed, 0)))};
    return std::nullopt;
}

std::optional<Purses::Objection> Purses::objection(const Purse& run_limit, Money amount) {
    const auto& budget = *run_limit.budget;
    if (amount <= budget.limit) return std::nullopt;
    return Refusal{budget, Money(), amount, std::nullopt};
}

Purses::Answer<Purses::Reservation> Purses::reserve(const RunStart& start, Money amount, Timestamp now) {
    Reservation made;
    made.amount_ = amount;
    std::optional<Objection> no;
    for_each_of(start, [&](const std::shared_ptr<Purse>& purse) {
        if (no || !rules(*purse->budget)) return;
        made.is_bounded_ = true;
        if (purse->budget->period == Period::run) {
            no = objection(*purse, amount);
            made.run_limits_.push_back(purse);
        } else {
            auto window = window_at(*purse, now);
            no = objection(*window, amount, now);
            made.windows_.push_back(std::move(window));
        }
    });
    if (no) return std::visit([](auto& said) -> Answer<Reservation> { return std::move(said); }, *no);
    for (const auto& window : made.windows_) window->reserved += amount;
    return made;
}

Purses::Answer<std::monostate> Purses::extend(Reservation& reservation, Money more, Timestamp now) {
    const auto say = [](auto& said) -> Answer<std::monostate> { return std::move(said); };
    std::optional<Objection> no;
    for (const auto& purse : reservation.run_limits_)
        if (!no && rules(*purse->budget)) no = objection(*purse, reservation.amount_ + more);
    for (const auto& window : reservation.windows_)
        if (!no && rules(*window->budget)) no = objection(*window, more, now);
    if (no) return std::visit(say, *no);
    for (const auto& window : reservation.windows_) window->reserved += more;
    reservation.amount_ += more;
    return std::monostate();
}

void Purses::release(Reservation& reservation) {
    for (const auto& window : std::exchange(reservation.windows_, {})) window->reserved = window->reserved - reservation.amount_;
}

void Purses::spent(const RunStart& start, Timestamp started_at, Money cost) {
    for_each_of(start, [&](const std::shared_ptr<Purse>& purse) {
        if (purse->budget->period == Period::run) return;
        if (!std::exchange(purse->is_touched, true)) touched_.push_back(purse);
        // A window that is not there yet will find the receipt in the books.
        for (auto& [from, window] : purse->windows)
            if (window->span.contains(started_at)) window->spent += cost;
    });
}

void Purses::lend(const Lease& lease) {
    const auto found = purses_.find(lease.budget);
    if (found == purses_.end() || found->second->budget->period == Period::run) return;
    const auto window = window_at(*found->second, lease.from);
    MERIDIAN_ASSERT(window->span.from == lease.from);
    window->granted = lease.granted;
    window->unaccounted = lease.unaccounted;
    window->lease_expires_at = lease.expires_at;
}

std::optional<Purses::State> Purses::state(const BudgetId& budget, Timestamp t) {
    const auto found = purses_.find(budget);
    if (found == purses_.end() || found->second->budget->period == Period::run) return std::nullopt;
    const auto window = window_at(*found->second, t);
    State made{*found->second->budget, window->span, window->spent, window->reserved, window->granted, window->unaccounted, std::nullopt};
    if (window->lease_expires_at != Timestamp()) made.lease_expires_at = window->lease_expires_at;
    return made;
}

std::vector<BudgetId> Purses::take_touched() {
    std::vector<BudgetId> made;
    for (const auto& purse : std::exchange(touched_, {})) {
        purse->is_touched = false;
        made.push_back(purse->budget->id);
    }
    return made;
}

std::optional<Lease> Purses::give_back(const BudgetId& budget, Timestamp from, Money keep) {
    const auto found = purses_.find(budget);
    if (found == purses_.end()) return std::nullopt;
    const auto at = found->second->windows.find(from);
    if (at == found->second->windows.end()) return std::nullopt;
    auto& window = *at->second;
    window.granted = Money::nanos(static_cast<std::int64_t>(
        std::min(wide(window.granted), std::max<Wide>(wide(window.spent) + wide(window.reserved) + wide(keep), 0))));
    return Lease{budget, from, window.granted, window.unaccounted, window.lease_expires_at};
}

}  // namespace meridian::metering
