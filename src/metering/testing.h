// A zone's meter in a simulated world, for this room's tests.
#pragma once
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/sim/world.h"
#include "metering/service.h"

namespace meridian::metering::testing {

inline const std::string directory = "/data/zones/fr-par-1/ledger";

// A meter with its committer. Destroyed without close(), it leaves the ledger as a killed process does.
struct Running {
    Running(sim::World& w, std::unique_ptr<Meter> m) : world(w), meter(std::move(m)), commits(w.executor()) {
        commits.spawn("commits", meter->run_commits());
    }
    ~Running() {
        commits.cancel();
        world.run(commits.join());
    }
    Meter* operator->() { return meter.get(); }
    void durable() { world.run(meter->durable()); }
    sim::World& world;
    std::unique_ptr<Meter> meter;
    TaskGroup commits;
};

struct Bench {
    explicit Bench(std::uint64_t seed = 1) : world(seed), key(keys::SigningKey::generate(world.rng())) {
        log::configure(log::Level::off, log::Form::text);
    }

    expected<std::unique_ptr<Running>> try_open() {
        MeterOptions options{.directory = directory, .segment_bytes = 16 * 1024, .ahead_bytes = 16 * 1024};
        auto meter = Meter::open(world.disk(), world.clock(), world.rng(), world.pool(), key,
                                 {*geography::Zone::parse("fr-par-1"), declared}, options);
        if (!meter) return std::unexpected(meter.error());
        return std::make_unique<Running>(world, std::move(*meter));
    }
    std::unique_ptr<Running> open() {
        auto opened = try_open();
        if (!opened) throw std::runtime_error(opened.error().said);
        return std::move(*opened);
    }
    Meter::Verdict verdict() { return Meter::verify_directory(world.disk(), directory); }

    sim::World world;
    keys::SigningKey key;
    std::optional<geography::Declaration> declared;
};

inline const OrganizationId organization = *OrganizationId::parse("11111111-1111-4111-8111-111111111111");
inline const ProjectId project = *ProjectId::parse("22222222-2222-4222-8222-222222222222");

inline RunStart chat() {
    RunStart start;
    start.organization = organization;
    start.project = project;
    start.principal = *PrincipalId::parse("33333333-3333-4333-8333-333333333333");
    start.model = "smollm2-135m-instruct";
    start.model_digest = "sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";
    start.deployment = *DeploymentId::parse("44444444-4444-4444-8444-444444444444");
    start.node = "node-1";
    start.price = {*Money::parse("0.15"), *Money::parse("0.35")};
    return start;
}

inline Receipt run_once(Meter& meter, const Usage& usage = {10, 20, 0}) {
    return meter.settle(meter.hold(chat()), usage, Outcome::finished);
}

// All of an organization's, the oldest first.
inline std::vector<Receipt> receipts_of(Meter& meter, const OrganizationId& whose) {
    auto all = meter.list({.projects = {}, .organization = whose, .limit = 10'000, .before_index = {}});
    std::ranges::reverse(all);
    return all;
}

inline Money cost_of(const std::vector<Receipt>& receipts) {
    Money all;
    for (const auto& each : receipts) all += each.cost;
    return all;
}

}  // namespace meridian::metering::testing
