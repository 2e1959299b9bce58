// Rights under the names that policies use: Scaleway's permission sets, as far as there is something here that they allow, and our own.
#pragma once
#include <optional>
#include <span>
#include <string_view>

#include "base/id.h"
#include "identity/permissions.h"

namespace meridian::identity {

// "InferenceFullAccess". Its scope is what a rule with it names: projects, or the organization.
struct PermissionSet {
    struct Part {
        std::string_view scope;    // of rights; "*": every scope of the set's level
        std::string_view actions;  // parted by blanks; "*": all that there are
    };
    std::string_view name;
    Level scope;  // project or organization
    std::string_view description, category;
    std::span<const Part> parts;
};

std::span<const PermissionSet> permission_sets();  // by name
const PermissionSet* permission_set(std::string_view name);
Rights rights_of(const PermissionSet& set);
// Stable over time: from the name.
Uuid id_of(const PermissionSet& set);

// What everybody who is known may: look at the key that they came with, at what can be rented, and at projects in which they may anything.
Rights rights_of_everybody();

}  // namespace meridian::identity
