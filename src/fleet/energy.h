// The processors' own energy counters (RAPL), where the kernel shows them and lets us read them.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace meridian::fleet {

// One processor package: its counter runs from 0 to `range` and begins anew.
struct EnergyPackage {
    std::string path;
    std::uint64_t range = 0, last = 0;
};
// The packages below a directory of the form of /sys/class/powercap; none where there is none, or one cannot be read.
std::vector<EnergyPackage> energy_packages(const std::string& root);
// Microjoules that a counter has gone on from `last` to `now`.
std::uint64_t went_on(std::uint64_t last, std::uint64_t now, std::uint64_t range);

// A function that says what all packages have used since it was made, in microjoules; empty where there is no counter. It must be asked
// more often than a counter begins anew, which takes some minutes under full load. One caller at a time.
std::function<std::optional<std::uint64_t>()> energy_counter(const std::string& root = "/sys/class/powercap");

}  // namespace meridian::fleet
