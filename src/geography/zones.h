// The wire names of zones that are known: what public clients list, and what is planned. A name is no statement of place; that
// is the operator's declaration. An operator may use any name of the right form.
#pragma once
#include <span>
#include <string_view>

namespace meridian::geography {

struct KnownZone {
    enum class Stage { usual, planned };  // usual: the lists of public clients have it
    std::string_view name;
    Stage stage = Stage::usual;
    std::string_view region_title;  // as clients show the region
};

std::span<const KnownZone> known_zones();
const KnownZone* known_zone(std::string_view name);  // null: not in the list

}  // namespace meridian::geography
