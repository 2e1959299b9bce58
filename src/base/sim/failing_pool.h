// Runs jobs where the world does; the power fails before the one that was chosen.
#pragma once
#include <cstddef>
#include <functional>
#include <optional>
#include <utility>

#include "base/async.h"
#include "base/sim/world.h"

namespace meridian::sim {

class FailingPool final : public Pool {
public:
    explicit FailingPool(World& world) : world_(world) {}
    void post(std::move_only_function<void()> job) override {
        world_.pool().post([this, j = std::move(job)]() mutable {
            if (fail_at && ++jobs == *fail_at) world_.disk().crash(how);
            j();
        });
    }
    std::optional<std::size_t> fail_at;
    std::size_t jobs = 0;
    SimDisk::Unsynced how = SimDisk::Unsynced::lost;

private:
    World& world_;
};

}  // namespace meridian::sim
