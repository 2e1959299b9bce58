// /sys is read directly: its files are none of ours.
#include "fleet/energy.h"

#include <charconv>
#include <filesystem>
#include <memory>
#include <system_error>

#include "fleet/posix.h"

namespace meridian::fleet {
namespace {

std::optional<std::uint64_t> number_in(const std::string& path) {
    const auto text = small_file(path);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end == text.data()) return std::nullopt;
    return value;
}

}  // namespace

// Subzones (cores, memory) are parts of a package and would count twice; "psys" counts the whole board, which the packages are part of.
std::vector<EnergyPackage> energy_packages(const std::string& root) {
    std::vector<EnergyPackage> found;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(root, none)) {
        const auto zone = entry.path().string();
        if (!small_file(zone + "/name").starts_with("package-")) continue;
        const auto now = number_in(zone + "/energy_uj"), range = number_in(zone + "/max_energy_range_uj");
        if (!now || !range) return {};  // a sum that lacks a package is wrong
        found.push_back({zone + "/energy_uj", *range, *now});
    }
    return found;
}

std::uint64_t went_on(std::uint64_t last, std::uint64_t now, std::uint64_t range) { return now >= last ? now - last : range - last + now; }

std::function<std::optional<std::uint64_t>()> energy_counter(const std::string& root) {
    auto packages = energy_packages(root);
    if (packages.empty()) return {};
    return [packages = std::move(packages), total = std::uint64_t{0}]() mutable -> std::optional<std::uint64_t> {
        for (auto& package : packages) {
            const auto now = number_in(package.path);
            if (!now) return std::nullopt;
            total += went_on(package.last, *now, package.range);
            package.last = *now;
        }
        return total;
    };
}

}  // namespace meridian::fleet
