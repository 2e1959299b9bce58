#include "geography/zones.h"

#include <algorithm>

namespace meridian::geography {
namespace {

using enum KnownZone::Stage;
constexpr KnownZone zones[] = {
    {"fr-par-1", usual, "Paris"},     {"fr-par-2", usual, "Paris"},       {"fr-par-3", usual, "Paris"},
    {"nl-ams-1", usual, "Amsterdam"}, {"nl-ams-2", usual, "Amsterdam"},   {"nl-ams-3", usual, "Amsterdam"},
    {"pl-waw-1", usual, "Warsaw"},    {"pl-waw-2", usual, "Warsaw"},      {"pl-waw-3", usual, "Warsaw"},
    {"it-mil-1", usual, "Milan"},     {"se-sto-1", planned, "Stockholm"}, {"de-ber-1", planned, "Berlin"},
};

}  // namespace

std::span<const KnownZone> known_zones() { return zones; }

const KnownZone* known_zone(std::string_view name) {
    const auto* found = std::ranges::find(zones, name, &KnownZone::name);
    return found == std::end(zones) ? nullptr : found;
}

}  // namespace meridian::geography
