// A meter with its committer on the real disk, for benchmarks.
#pragma once
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/log.h"
#include "base/real/real.h"
#include "metering/service.h"

namespace meridian::metering::testing {

struct RealLedger {
    // In a directory of this process's own, which goes with it.
    RealLedger() : RealLedger((std::filesystem::temp_directory_path() / fmt::format("meridian-bench-{}", ::getpid())).string()) {
        is_scratch = true;
    }
    explicit RealLedger(std::string where, keys::SigningKey with = fresh_key()) : directory(std::move(where)), key(std::move(with)) {
        log::configure(log::Level::error, log::Form::text);
        loops.start();
        auto opened =
            Meter::open(disk, clock, rng, pool, key, {*geography::Zone::parse("fr-par-1"), std::nullopt}, {.directory = directory});
        if (!opened) throw std::runtime_error(opened.error().said);
        meter = std::move(*opened);
        commits.spawn("commits", meter->run_commits());
    }
    ~RealLedger() {
        commits.cancel();
        loops.wait(loops.executor(0), commits.join());
        meter->close();
        meter.reset();
        if (is_scratch) std::filesystem::remove_all(directory);
    }
    static keys::SigningKey fresh_key() {
        SystemRng random;
        return keys::SigningKey::generate(random);
    }
    void durable() { loops.wait(loops.executor(0), meter->durable()); }

    std::string directory;
    bool is_scratch = false;
    real::PosixDisk disk;
    real::WallClock clock;
    SystemRng rng;
    real::ThreadPool pool{1};
    keys::SigningKey key;
    real::Loops loops{1};
    std::unique_ptr<Meter> meter;
    TaskGroup commits{loops.executor(0)};
};

}  // namespace meridian::metering::testing
