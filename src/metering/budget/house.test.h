// A control plane and a zone with budgets in a simulated world, that can be killed and started again.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/log.h"
#include "metering/budget/service.h"
#include "metering/testing.h"
#include "store/testing.h"

namespace meridian::metering::testing {

// One token costs one nano-euro.
inline const Price nano_a_token{*Money::parse("0.001"), *Money::parse("0.001")};

struct House {
    House(Bench& b, const std::string& boot, Mail mail = Mail::not_sent) : bench(b), store(store::open_store(b.world)) {
        identity.emplace(*store, bench.world.clock(), bench.world.rng());
        first = identity->bootstrap();
        running = bench.open();
        budgets.emplace(*store, *identity, *running->meter, bench.world.clock(), bench.world.rng(), sealing,
                        BudgetOptions{.zone = "fr-par-1", .boot = boot, .mail = mail});
        budgets->begin();
        tasks.spawn("budgets", budgets->run());
    }
    ~House() {
        tasks.cancel();
        bench.world.run(tasks.join());
    }
    Meter& meter() { return *running->meter; }
    // As a process ends that was told to.
    void stop() {
        bench.world.run(budgets->end());
        meter().close();
    }
    [[nodiscard]] identity::Caller owner() const {
        identity::Caller caller;
        caller.organization = first.organization;
        caller.project = first.project;
        caller.reach = caller.sight = identity::Reach::everywhere();
        caller.grants = identity::everything({}, {}, {}).grants;
        if (first.first_key) caller.principal = first.first_key->key.principal;
        return caller;
    }
    RunStart start(Money ceiling) {
        auto made = chat();
        made.organization = first.organization;
        made.project = first.project;
        made.price = nano_a_token;
        made.ceiling = ceiling;
        return made;
    }
    Budget budget(BudgetWish wish) { return bench.world.run(budgets->create(owner(), std::move(wish))); }
    Hold begin(RunStart start) { return bench.world.run(meter().begin(std::move(start))); }
    // Of a run that used so many nano-euros of tokens.
    Receipt settle(Hold hold, std::int64_t nanos) { return meter().settle(std::move(hold), {nanos, 0, 0}, Outcome::finished); }
    Purses::State state(const Budget& budget) { return budgets->state(budget.id).value(); }

    Bench& bench;
    std::unique_ptr<store::Store> store;
    std::optional<identity::Identity> identity;
    identity::Bootstrap first;
    std::unique_ptr<Running> running;
    keys::SealingKey sealing = keys::SealingKey::from_bytes(std::string(32, 'k')).value();
    std::optional<Budgets> budgets;
    TaskGroup tasks{bench.world.executor()};
};

}  // namespace meridian::metering::testing
