// One decision, with 10,000 policies and 10,000 keys in use: the goal is a p99 below 2 us. And what it costs to be told of a change.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/sim/world.h"
#include "identity/people.h"
#include "identity/policies.h"
#include "identity/service.h"
#include "identity/state.h"
#include "identity/store.h"

namespace meridian::identity {
namespace {

constexpr int policies = 10'000;  // each with an application, a key and a rule of its own
constexpr int decisions = 1'000'000;

struct City {
    sim::World world{1};
    std::unique_ptr<store::Store> store =
        store::Store::open(world.disk(), world.clock(), world.pool(), {.path = "/data/control/meridian.db"}).value();
    Identity identity{*store, world.clock(), world.rng()};
    Bootstrap first = identity.bootstrap();
    std::vector<http::Request> requests;

    City() {
        const auto owner = everything(first.organization, first.project, PrincipalId::random(world.rng()));
        store->write_now([&](store::Tx& tx) {
            for (int i = 0; i < policies; ++i) add(tx, owner, std::to_string(i));
        });
        identity.state().keys.refresh();
        for (const auto& request : requests) world.run(identity.state().keys.learn(hash_of(request.headers.get("X-Auth-Token"))));
    }

    void add(store::Tx& tx, const Caller& owner, const std::string& name) {
        const auto now = world.clock().now();
        auto& rng = world.rng();
        Application app{.id = PrincipalId::random(rng),
                        .organization = first.organization,
                        .name = name,
                        .description = {},
                        .tags = {},
                        .created_at = now,
                        .updated_at = now};
        insert_application(tx, app);
        const PolicyRow policy{.id = PolicyId::random(rng),
                               .organization = first.organization,
                               .name = name,
                               .description = {},
                               .tags = {},
                               .principal = app.id,
                               .group = {},
                               .created_at = now,
                               .updated_at = now};
        insert_policy(tx, policy);
        PolicyRule rule;
        rule.permission_sets = {"InferenceFullAccess", "GenerativeApisFullAccess"};
        rule.projects = {{first.project}};
        set_rules(tx, owner, policy, {rule}, rng);
        ApiKey key;
        key.organization = first.organization;
        key.default_project = first.project;
        key.principal = app.id;
        key.is_users = false;
        key.created_at = key.updated_at = now;
        http::Request request;
        request.headers.add("X-Auth-Token", insert_new_key(tx, key, rng).secret);
        requests.push_back(std::move(request));
    }
};

void decide(benchmark::State& state) {
    City city;
    auto& authorizer = city.identity.authorizer();
    const http::Permission may{"invoke", "inference"};
    for (auto _ : state) {
        std::vector<std::int64_t> took;
        took.reserve(decisions);
        for (std::size_t i = 0; i < decisions; ++i) {
            const auto request = city.requests[i * 7'919 % city.requests.size()];  // a copy: a request was read a moment ago
            const auto begun = std::chrono::steady_clock::now();
            benchmark::DoNotOptimize(authorizer.authorize(request, may));
            took.push_back(std::chrono::nanoseconds(std::chrono::steady_clock::now() - begun).count());
        }
        std::ranges::sort(took);
        const auto at = [&](double share) { return static_cast<double>(took[static_cast<std::size_t>(share * (decisions - 1))]) / 1e3; };
        state.counters["p50_us"] = at(0.5);
        state.counters["p99_us"] = at(0.99);
        state.counters["p999_us"] = at(0.999);
    }
}
BENCHMARK(decide)->Iterations(1)->Unit(benchmark::kMillisecond);

// A key that is read again after its policy changed, as the next request with it does.
void change_and_read_again(benchmark::State& state) {
    City city;
    auto& keys = city.identity.state().keys;
    std::size_t at = 0;
    for (auto _ : state) {
        const auto digest = hash_of(city.requests[at++ % city.requests.size()].headers.get("X-Auth-Token"));
        const auto access_key = keys.find(digest).value()->callers.front().access_key;
        city.store->write_now([&](store::Tx& tx) { tx.changed("api_keys", access_key); });
        keys.refresh();
        if (keys.find(digest)) return state.SkipWithError("a change was not heard of");
        city.world.run(keys.learn(digest));
    }
}
BENCHMARK(change_and_read_again)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace meridian::identity
