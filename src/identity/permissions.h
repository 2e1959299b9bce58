// Who may do what: one table of (action, scope) and the roles that may. What is not in it, nobody may.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "identity/service.h"

namespace meridian::identity {

struct Right {
    std::string_view action, scope;
    bool admin, inference, observer;
    [[nodiscard]] bool is_for(Role role) const;
};

std::span<const Right> rights();
// The row, or nullptr: unknown to us, and so denied.
const Right* right_for(std::string_view action, std::string_view scope);

// "rights/" and a digest of the table: receipts say under which rules a run was let in.
std::string rights_version();

// The words that the table may be made of; a test holds it to them.
std::span<const std::string_view> actions();
std::span<const std::string_view> scopes();

}  // namespace meridian::identity
