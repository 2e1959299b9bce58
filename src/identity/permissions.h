// What can be allowed: one table of rights (an action on a scope), and the roles that limit a key to some of them. What is not in it,
// nobody may.
#pragma once
#include <bitset>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "identity/role.h"

namespace meridian::identity {

// Whose the things of a scope are: a project's, the organization's, or those of whoever runs the installation.
enum class Level { project, organization, platform };

struct Right {
    std::string_view action, scope;
    Level level;
    bool inference, observer;  // whether a key that is limited to this role keeps the right; admin keeps all
    [[nodiscard]] bool is_for(Role role) const;
};

std::span<const Right> rights();
// The place of a right in the table; nothing: unknown to us, and so denied.
std::optional<std::size_t> place_of(std::string_view action, std::string_view scope);

inline constexpr std::size_t rights_max = 96;
using Rights = std::bitset<rights_max>;  // by place
Rights rights_for(Role role);
Rights rights_of(Level level);

// "rights/" and a digest of the table: receipts say under which rules a run was let in.
std::string rights_version();

// The words that the table may be made of; a test holds it to them.
std::span<const std::string_view> actions();
std::span<const std::string_view> scopes();

}  // namespace meridian::identity
