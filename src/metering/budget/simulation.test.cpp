// Seeded schedules of runs, changes, kills, power cuts and failing disks, against a model that knows every euro that was really spent.
//
// The model is a list: every run that was let in, when it began, what it holds and what it cost. From it follow the sums that budgets
// must agree with to the nano-euro, and the promise that no schedule may break: what was really spent and is reserved never passes a
// limit, whether its receipts survived or not. The seed of a failure repeats it: MERIDIAN_SEED=N MERIDIAN_SCHEDULES=1.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <numeric>

#include "metering/budget/house.test.h"

namespace meridian::metering {
namespace {

using sim::SimDisk;
using testing::Bench;
using testing::House;

using Wide = __int128;

struct Run {
    RunId id;
    ProjectId project;
    std::string api_key;
    Timestamp began;
    Wide reserved = 0, cost = 0;
    bool is_open = true, is_durable = false;
    std::string leaf;
    std::unique_ptr<Hold> hold;
};

class Schedule {
public:
    explicit Schedule(std::uint64_t seed) : bench_(seed), rng_(seed ^ 0xB0D9E7) {}

    void run() {
        for (life_ = 0; life_ < 4 && !::testing::Test::HasFailure(); ++life_) {
            start();
            check_books();
            for (auto left = 5 + rng_.below(40); left > 0 && !::testing::Test::HasFailure(); --left) {
                try {
                    step();
                } catch (const Error& e) {
                    // A disk that fails or is full: nothing was let in.
                    EXPECT_TRUE(e.fault == Fault::unavailable || e.fault == Fault::quota) << e.said << ' ' << e.logged;
                }
            }
            end();
        }
    }

private:
    void start() {
        house_ = std::make_unique<House>(bench_, "boot " + std::to_string(boot_));
        budgets_ = bench_.world.run(house_->budgets->list(house_->owner()));
        for (const auto& budget : budgets_) known_since_.try_emplace(budget.id, runs_.size());
        is_unsure_ = false;
        if (projects_.empty()) {
            projects_ = {house_->first.project, bench_.world.run(house_->identity->create_project(house_->owner(), "second", "")).id};
            for (int i = 0; i < 2; ++i)
                keys_.push_back(
                    bench_.world
                        .run(house_->identity->create_key(house_->owner(), identity::Role::inference, "", std::nullopt, std::nullopt))
                        .key.access_key);
        }
    }

    void end() {
        auto& disk = bench_.world.disk();
        disk.fill_up(std::nullopt);
        disk.fail_next(DiskError::Kind::io, 1'000'000'000);
        const auto how = rng_.below(4);
        if (how == 0) {
            for (auto& run : runs_) drop(run);
            try {
                make_durable();
            } catch (const Error&) {  // a sync failed once, so that the ledger refuses until it is read anew
            }
            house_->stop();
        }
        if (how == 1) {
            disk.crash(SimDisk::Unsynced::kept);  // the process was killed
        } else {
            disk.crash(rng_.below(2) == 0 ? SimDisk::Unsynced::lost : SimDisk::Unsynced::torn);
            ++boot_;
        }
        for (auto& run : runs_) {
            if (run.is_open) run.cost = 0, run.is_open = false, run.is_durable = false;
            run.reserved = 0;
            run.hold.reset();
        }
        house_.reset();
        if (rng_.below(3) == 0) bench_.world.jump_wall_clock(std::chrono::hours(static_cast<int>(rng_.below(96)) - 48));
    }

    void step() {
        auto& world = bench_.world;
        switch (rng_.below(14)) {
            case 0:
            case 1:
            case 2:
            case 3:
                return begin();
            case 4:
            case 5:
            case 6:
                return with_open([&](Run& run) { settle(run); });
            case 7:
                return with_open([&](Run& run) { extend(run); });
            case 8:
                return with_open([&](Run& run) { drop(run); });
            case 9:
                return make_durable();
            case 10:
                return world.run_for(std::chrono::milliseconds(rng_.below(10'000)));
            case 11:
            case 12:
                try {
                    return rng_.below(2) == 0 ? add_budget() : change_budget();
                } catch (const Error&) {
                    is_unsure_ = true;
                    throw;
                }
            case 13:
                switch (rng_.below(6)) {
                    case 0:
                        return world.disk().fail_next(DiskError::Kind::io, static_cast<unsigned>(rng_.below(100)));
                    case 1:
                        return world.disk().fill_up(rng_.below(60'000));
                    case 2:
                        return world.disk().fill_up(std::nullopt);
                    case 3:
                        return world.jump_wall_clock(std::chrono::minutes(static_cast<int>(rng_.below(4000)) - 2000));
                    default:
                        return;
                }
        }
    }

    void make_durable() {
        house_->running->durable();
        for (auto& run : runs_)
            if (!run.is_open && !run.leaf.empty()) run.is_durable = true;
    }

    template <class F>
    void with_open(F f) {
        std::vector<Run*> open;
        for (auto& run : runs_)
            if (run.is_open) open.push_back(&run);
        if (!open.empty()) f(*open[rng_.below(open.size())]);
    }

    void begin() {
        auto start = house_->start(Money());
        start.project = projects_[rng_.below(projects_.size())];
        start.api_key = keys_[rng_.below(keys_.size())];
        const auto amount = Money::nanos(static_cast<std::int64_t>(rng_.below(300)));
        if (rng_.below(2) == 0) {
            start.ceiling = amount;
        } else {
            start.ceiling.reset();
            start.first_slice = amount;
        }
        Run run;
        run.project = start.project;
        run.api_key = start.api_key;
        try {
            auto hold = std::make_unique<Hold>(house_->begin(start));
            run.id = hold->id();
            run.began = bench_.world.clock().now();
            run.reserved = amount.count();
            run.hold = std::move(hold);
        } catch (const Error& e) {
            if (e.fault == Fault::quota) check_refusal(run, amount.count());
            throw;
        }
        runs_.push_back(std::move(run));
        check_limits(runs_.back());
    }

    void extend(Run& run) {
        const auto more = Money::nanos(static_cast<std::int64_t>(rng_.below(200)));
        const auto refused = bench_.world.run(house_->meter().extend(*run.hold, more));
        if (!refused) {
            run.reserved += more.count();
            check_limits(run);
        }
        if (refused && refused->fault == Fault::quota) check_refusal(run, more.count());
    }

    void settle(Run& run) {
        const auto used = static_cast<std::int64_t>(rng_.below(400));
        const bool is_held_to_it = run.hold->is_bounded();
        const auto reserved = std::exchange(run.reserved, 0);
        run.is_open = false;
        const auto hold = std::move(run.hold);
        // A disk that fails here leaves the run without a receipt, and the next start makes one that costs nothing.
        const auto receipt = house_->settle(std::move(*hold), used);
        if (is_held_to_it) {
            EXPECT_LE(Wide{receipt.cost.count()}, reserved);
        }
        run.cost = receipt.cost.count();
        run.leaf = receipt.leaf;
    }

    void drop(Run& run) {
        if (!run.is_open) return;
        run.hold.reset();
        run.is_open = false;
        run.reserved = 0;
    }

    void add_budget() {
        if (budgets_.size() >= 5) return;
        BudgetWish wish{.limit = Money::nanos(static_cast<std::int64_t>(rng_.below(2000)))};
        const Period periods[] = {Period::run, Period::day, Period::month, Period::total};
        wish.period = periods[rng_.below(4)];
        wish.time_zone = rng_.below(2) == 0 ? "Europe/Warsaw" : "Etc/UTC";
        wish.hard = rng_.below(5) != 0;
        if (wish.period != Period::run && rng_.below(2) == 0) wish.alerts = {50, 100};
        switch (rng_.below(3)) {
            case 0:
                break;
            case 1:
                wish.scope = ScopeKind::project;
                wish.scope_id = projects_[rng_.below(2)].str();
                break;
            case 2:
                wish.scope = ScopeKind::api_key;
                wish.scope_id = keys_[rng_.below(2)];
                break;
        }
        budgets_.push_back(house_->budget(wish));
        known_since_[budgets_.back().id] = runs_.size();
    }

    void change_budget() {
        if (budgets_.empty()) return;
        auto& budget = budgets_[rng_.below(budgets_.size())];
        BudgetChange change;
        if (rng_.below(2) == 0) change.limit = Money::nanos(static_cast<std::int64_t>(rng_.below(2000)));
        if (rng_.below(4) == 0) change.enabled = !budget.enabled;
        if (rng_.below(4) == 0) change.hard = !budget.is_hard;
        // A run that was let in without this budget is not its doing.
        const bool was_ruling = budget.enabled && budget.is_hard;
        budget = bench_.world.run(house_->budgets->change(house_->owner(), budget.id, change));
        if (!was_ruling) known_since_[budget.id] = runs_.size();
    }

    [[nodiscard]] bool is_about(const Budget& budget, const Run& run) const {
        switch (budget.scope) {
            case ScopeKind::project:
                return budget.scope_id == run.project.str();
            case ScopeKind::api_key:
                return budget.scope_id == run.api_key;
            default:
                return true;
        }
    }
    static Span window(const Budget& budget, Timestamp t) { return window_of(budget.period, TimeZone::find(budget.time_zone).value(), t); }

    // What the runs that the budget let in really cost and may cost, in the window of `t`.
    [[nodiscard]] Wide really(const Budget& budget, Timestamp t) const {
        const auto span = window(budget, t);
        Wide sum = 0;
        for (std::size_t i = known_since_.at(budget.id); i < runs_.size(); ++i)
            if (is_about(budget, runs_[i]) && span.contains(runs_[i].began)) sum += runs_[i].reserved + runs_[i].cost;
        return sum;
    }

    // What was let in fits every budget that it falls under, counting what was really spent.
    void check_limits(const Run& run) {
        for (const auto& budget : budgets_) {
            if (!budget.enabled || !budget.is_hard || !is_about(budget, run) || is_unsure_) continue;
            if (known_since_.at(budget.id) > static_cast<std::size_t>(&run - runs_.data())) continue;
            const auto sum = budget.period == Period::run ? run.reserved : really(budget, run.began);
            EXPECT_LE(sum, Wide{budget.limit.count()}) << word(budget.period) << " budget in life " << life_;
        }
    }

    // A run is refused only when it would pass a limit, counting what power cuts may have lost.
    void check_refusal(const Run& run, Wide more) {
        const auto now = bench_.world.clock().now();
        const bool is_right = std::ranges::any_of(budgets_, [&](const Budget& budget) {
            if (!budget.enabled || !budget.is_hard || !is_about(budget, run)) return false;
            if (budget.period == Period::run) return run.reserved + more > budget.limit.count();
            // Of a run under way it is the window in which it began.
            const auto at = run.hold ? run.began : now;
            const auto state = house_->meter().budget(budget.id, at).value();
            return Wide{state.spent.count()} + state.unaccounted.count() + state.reserved.count() + more > budget.limit.count();
        });
        EXPECT_TRUE(is_right || is_unsure_) << "refused without a reason";
    }

    // After a start: what was durable is there, nobody was charged twice, and budgets agree with the receipts.
    void check_books() {
        std::map<std::string, const Run*> ours;
        for (const auto& run : runs_) ours[run.id.str()] = &run;
        const auto all =
            house_->meter().list({.projects = {}, .organization = house_->first.organization, .limit = 100'000, .before_index = {}});
        std::map<std::string, Money> found;
        for (const auto& receipt : all) {
            EXPECT_TRUE(found.emplace(receipt.id.str(), receipt.cost).second) << "charged twice";
            const auto run = ours.find(receipt.id.str());
            ASSERT_NE(run, ours.end());
            if (receipt.outcome == Outcome::finished) EXPECT_EQ(receipt.leaf, run->second->leaf);
        }
        for (auto& run : runs_) {
            const auto there = found.find(run.id.str());
            if (run.is_durable && !run.leaf.empty()) EXPECT_TRUE(there != found.end()) << "lost though it was durable";
            if (there == found.end()) run.leaf.clear();  // lost; what it cost is spent all the same
            run.is_durable = !run.leaf.empty();          // the start has committed it
        }
        Wide bill = 0;
        for (const auto& project : projects_) bill += house_->meter().sums(project).cost.count();
        EXPECT_EQ(bill, std::accumulate(all.begin(), all.end(), Wide{0}, [](Wide sum, const Receipt& r) { return sum + r.cost.count(); }));
        const auto now = bench_.world.clock().now();
        for (const auto& budget : budgets_) {
            const auto state = house_->meter().budget(budget.id, now);
            if (!state) continue;
            Wide receipts = 0;
            for (const auto& receipt : all)
                if (window(budget, now).contains(receipt.started_at) && is_about(budget, *ours.at(receipt.id.str())))
                    receipts += receipt.cost.count();
            EXPECT_EQ(Wide{state->spent.count()}, receipts);
            EXPECT_EQ(state->reserved, Money());
            if (budget.enabled && budget.is_hard)
                EXPECT_GE(Wide{state->spent.count()} + state->unaccounted.count(), really(budget, now)) << "a power cut gave money back";
        }
    }

    Bench bench_;
    SeededRng rng_;
    std::unique_ptr<House> house_;
    std::vector<Run> runs_;
    std::vector<ProjectId> projects_;
    std::vector<std::string> keys_;
    std::vector<Budget> budgets_;
    std::map<BudgetId, std::size_t> known_since_;  // the first run that the budget has ruled
    int life_ = 0, boot_ = 0;
    bool is_unsure_ = false;  // a change failed, and perhaps only after it was written
};

TEST(BudgetSchedules, NeverPassALimitAndAgreeToTheNanoEuro) {
    const char *wanted = std::getenv("MERIDIAN_SCHEDULES"), *seed = std::getenv("MERIDIAN_SEED");
    const std::uint64_t first = seed ? std::strtoull(seed, nullptr, 10) : 1;
    const std::uint64_t count = wanted ? std::strtoull(wanted, nullptr, 10) : 60;
    for (auto each = first; each < first + count; ++each) {
        SCOPED_TRACE(each);
        Schedule(each).run();
        if (::testing::Test::HasFailure()) return;
    }
}

}  // namespace
}  // namespace meridian::metering
