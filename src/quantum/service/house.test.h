// For this room's tests: everything that a job needs, real but for the computer, and a power switch.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/sim/failing_pool.h"
#include "base/sim/world.h"
#include "quantum/service/api.h"
#include "quantum/service/estimates.h"
#include "quantum/service/reconcile.h"
#include "quantum/service/store.h"

namespace meridian::quantum::service {

inline void PrintTo(JobState state, std::ostream* out) { *out << word(state); }
inline void PrintTo(SessionState state, std::ostream* out) { *out << word(state); }

}  // namespace meridian::quantum::service

namespace meridian::quantum::service::test {

using namespace std::chrono_literals;

// Reads programs such as "run 250" (milliseconds), "lie 250" (quoted at 10), "read 250" (takes as long to read), "refuse with these words",
// "fail with these words".
class FakeComputer final : public Computer {
public:
    FakeComputer(sim::World& world, store::ContentStore& content, std::vector<JobId>& order)
        : world_(world), content_(content), order_(order) {}

    Task<expected<Ready>> prepare(Order order) override {
        const auto text = order.text ? *order.text : content_.get(store::ContentHandle(order.project, "fr-par-1"), order.content);
        if (text.starts_with("refuse ")) co_return complaint(text.substr(7));
        if (text == "no such content") throw Error(Fault::not_found, "There is no such content.");
        Ready ready;
        ready.quote.engine = "fake";
        ready.quote.seconds = text.starts_with("lie ") ? 0.01 : static_cast<double>(milliseconds_in(text)) / 1e3;
        ready.quote.seconds_max = ready.quote.seconds * 2;
        ready.quote.cost_max = *Money::parse("1000");
        ready.quote.circuits = 1;
        ready.quote.shots = 10;
        ready.digest = "sha256:" + hex(sha256(text));
        ready.lane = ready.quote.seconds <= 0.05 ? Lane::small : Lane::large;
        co_await world_.clock().sleep(std::chrono::milliseconds(std::max(1, number_behind("read ", text))));
        co_return ready;
    }

    Task<expected<Ran>> run(Order order, Ready ready, std::shared_ptr<Control> control) override {
        EXPECT_FALSE(is_busy_[static_cast<int>(ready.lane)]) << "one job at a time for each lane";
        is_busy_[static_cast<int>(ready.lane)] = true;
        const std::shared_ptr<void> leave(nullptr, [&busy = is_busy_[static_cast<int>(ready.lane)]](void*) { busy = false; });
        co_return co_await compute(order, control);
    }
    void forget(const SessionId&) override {}

private:
    Task<expected<Ran>> compute(Order order, std::shared_ptr<Control> control) {
        const auto text = content_.get(store::ContentHandle(order.project, "fr-par-1"), order.content);
        order_.push_back(order.job);
        const auto length = std::chrono::milliseconds(milliseconds_in(text));
        for (Duration passed{}; passed < length; passed += 10ms) {
            co_await world_.clock().sleep(10ms);
            control->done = std::chrono::duration<double>(passed) / std::chrono::duration<double>(length);
            if (control->cancel) co_return complaint(std::string(was_cancelled));
            if (control->deadline && world_.clock().steady() >= *control->deadline) co_return complaint(std::string(was_overdue));
        }
        if (text.starts_with("fail ")) co_return complaint(text.substr(5));
        if (text == "break") throw std::runtime_error("broken");
        co_return Ran{"result of " + text, length};
    }
    static int number_behind(std::string_view word, std::string_view text) {
        int made = 0;
        if (text.starts_with(word)) std::from_chars(text.data() + word.size(), text.data() + text.size(), made);
        return made;
    }
    static int milliseconds_in(const std::string& text) { return number_behind("run ", text) + number_behind("lie ", text); }
    sim::World& world_;
    store::ContentStore& content_;
    std::vector<JobId>& order_;
    bool is_busy_[2] = {false, false};
};

inline catalog::PlatformFacts facts_named(const std::string& name) {
    catalog::PlatformFacts facts;
    facts.name = name;
    facts.version = "1";
    facts.provider = "meridian";
    facts.backend = "aer";
    facts.technology = "general_purpose";
    facts.description = "A platform.";
    facts.documentation_url = "/openapi.json";
    facts.precision = "double";
    facts.qubits_max = 40;
    facts.shots_max = 1'000'000;
    facts.circuits_max = 100;
    facts.per_hour = *Money::parse("3.6");
    return facts;
}

inline std::vector<Platform> test_platforms() {
    auto bookable = facts_named("QPU-TEST");
    bookable.backend = "test";
    bookable.booking = catalog::BookingRule{.minutes_min = 10, .minutes_max = 120, .per_day_max = 2, .per_week_max = 3};
    return platforms_of({facts_named("EMU-AER-{cpus}C-{memory}M"), bookable}, {.zone = "fr-par-1", .cpus = 2, .memory_bytes = 24ull << 30});
}

inline std::vector<Application> test_applications() {
    return applications_of({{.name = "echo", .type = "vqe", .computes = "echo", .description = "d", .input_template = "run 10"}},
                           "fr-par-1");
}

// One Meridian, as long as it lives.
struct Life {
    Life(sim::World& w, Pool& pool, std::vector<JobId>& order, const keys::SigningKey& key, const Keeping& keeping,
         const std::vector<metering::PriceEntry>& price_list)
        : world(w), store(opened(w, pool)), meter(metered(w, pool, key)), computer(w, content, order) {
        first = identity::Identity(*store, w.clock(), w.rng()).bootstrap();
        quotes.emplace(*store, *meter, sealing, w.clock(), w.rng(), pool, geography::ZoneFacts{*geography::Zone::parse("fr-par-1"), {}});
        quotes->load();
        Offer offer{test_platforms(), test_applications(), keeping};
        offer.quotes = &*quotes;
        prices.emplace(*store, w.clock(), w.rng(), *geography::Zone::parse("fr-par-1"), price_list);
        prices->load();
        offer.prices = &*prices;
        hours.emplace(*meter, w.clock(), "node-1");
        offer.hours = &*hours;
        quantum.emplace(*store, content, pool, std::move(offer), *geography::Zone::parse("fr-par-1"), w.clock(), w.rng());
        quantum->keep_quotes();
        estimates.emplace(*quantum, computer, "node-1", w.rng(), w.executor());
        quotes->serve(metering::QuoteKind::quantum_job, *estimates);
        reconciler.emplace(*store, content, pool, *meter, computer, *quantum, "node-1", w.clock(), w.rng(), w.executor());
    }
    static std::unique_ptr<store::Store> opened(sim::World& world, Pool& pool) {
        auto store = store::Store::open(world.disk(), world.clock(), pool, {.path = "/data/control/meridian.db"});
        if (!store) throw std::runtime_error(store.error().said);
        return std::move(*store);
    }
    static std::unique_ptr<metering::Meter> metered(sim::World& world, Pool& pool, const keys::SigningKey& key) {
        auto meter = metering::Meter::open(world.disk(), world.clock(), world.rng(), pool, key, {*geography::Zone::parse("fr-par-1"), {}},
                                           {.directory = "/data/ledger", .segment_bytes = 1 << 20, .ahead_bytes = 64 * 1024});
        if (!meter) throw std::runtime_error(meter.error().said);
        return std::move(*meter);
    }
    [[nodiscard]] identity::Caller caller() const {
        identity::Caller made;
        made.organization = first.organization;
        made.project = first.project;
        made.reach = made.sight = identity::Reach::everywhere();
        made.grants = identity::everything({}, {}, {}).grants;
        return made;
    }

    sim::World& world;
    std::unique_ptr<store::Store> store;
    std::unique_ptr<metering::Meter> meter;
    store::ContentStore content{world.disk(), "/data/content", "fr-par-1"};
    FakeComputer computer;
    identity::Bootstrap first;
    keys::SealingKey sealing = keys::SealingKey::from_bytes(std::string(32, 'k')).value();
    std::optional<metering::Quotes> quotes;
    std::optional<metering::Prices> prices;
    std::optional<SessionHours> hours;
    std::optional<Quantum> quantum;
    std::optional<Estimates> estimates;
    std::optional<Reconciler> reconciler;
    TaskGroup tasks{world.executor()};
};

struct House {
    explicit House(std::uint64_t seed = 5, Keeping keep = {}) : world(seed), key(keys::SigningKey::generate(world.rng())), keeping(keep) {
        log::configure(log::Level::off, log::Form::text);
        begin();
    }
    ~House() {
        if (life) end();
    }
    void begin() { life = std::make_unique<Life>(world, pool, order, key, keeping, price_list); }
    // Jobs wait until this.
    void start() { life->tasks.spawn("reconciler", life->reconciler->run()); }
    void end() {
        world.run(life->reconciler->stop());
        world.run(life->tasks.join());
        life.reset();
    }
    // We go down in the middle of whatever we do, and come up again with what the disk has kept.
    void crash(sim::SimDisk::Unsynced how) {
        world.disk().crash(how);
        end();
        begin();
        start();
    }

    Quantum& quantum() { return *life->quantum; }
    identity::Caller caller() { return life->caller(); }
    SessionId open(SessionWish wish = {}) {
        if (wish.platform.is_nil()) wish.platform = quantum().platforms().front().id;
        return world.run(quantum().create_session(caller(), std::move(wish))).id;
    }
    ProgramId program(const std::string& text) { return world.run(quantum().create_program(caller(), {}, text)).id; }
    JobId submit(const SessionId& session, const std::string& text, JobWish wish = {}) {
        wish.session = session;
        wish.program = world.run(quantum().create_program(caller(), this->session(session).project, text)).id;
        return world.run(quantum().create_job(caller(), std::move(wish))).id;
    }
    Job job(const JobId& id) { return world.run(quantum().job(caller(), id)); }
    Session session(const SessionId& id) { return world.run(quantum().session(caller(), id)); }
    // Lets time pass until the job has ended, at most a minute.
    Job ended(const JobId& id) {
        for (int i = 0; i < 600 && !is_final(job(id).state); ++i) world.run_for(100ms);
        return job(id);
    }
    std::uint64_t kept() {
        return world.run(
            life->store->read([project = caller().project](store::Tx& tx) { return rows::kept_bytes(tx, "fr-par-1", project); }));
    }
    // What lies in the zone's content of the caller's project.
    std::vector<std::string> names(std::string_view folder) {
        return life->content.names(store::ContentHandle(caller().project, "fr-par-1"), folder);
    }
    std::vector<metering::Receipt> receipts() {
        return life->meter->list({.projects = {}, .organization = caller().organization, .limit = 10'000, .before_index = {}});
    }

    sim::World world;
    sim::FailingPool pool{world};
    keys::SigningKey key;
    Keeping keeping;
    std::vector<metering::PriceEntry> price_list;  // beside the platforms' own; of the next begin()
    std::vector<JobId> order;                      // in which jobs began
    std::unique_ptr<Life> life;
};

inline JobWish tagged(std::string tag) {
    JobWish wish;
    wish.tags.push_back(std::move(tag));
    return wish;
}
inline JobWish at_most(Duration length) {
    JobWish wish;
    wish.max_duration = length;
    return wish;
}

// What `task` throws.
template <class T>
std::optional<Error> error_of(sim::World& world, Task<T> task) {
    try {
        world.run(std::move(task));
        return std::nullopt;
    } catch (const Error& e) {
        return e;
    }
}

}  // namespace meridian::quantum::service::test
