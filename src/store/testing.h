// For the tests of this room.
#pragma once
#include <stdexcept>
#include <string>
#include <vector>

#include "base/sim/world.h"
#include "store/sqlite.h"

namespace meridian::store {

inline const std::string test_path = "/data/control/meridian.db";

inline std::unique_ptr<Store> open_store(sim::World& world, const std::string& path = test_path) {
    auto opened = Store::open(world.disk(), world.clock(), world.pool(), OpenOptions{.path = path});
    if (!opened) throw std::runtime_error(opened.error().said);
    return std::move(*opened);
}

// The files beside the database; a disk may show its locks as files or not.
inline std::vector<std::string> files_beside(sim::World& world) {
    auto names = world.disk().list("/data/control").value();
    std::erase_if(names, [](const auto& name) { return name.ends_with(".lock"); });
    return names;
}

}  // namespace meridian::store
