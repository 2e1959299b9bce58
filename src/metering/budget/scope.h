// Whose runs a budget or a rate limit is about, as a caller may name it.
#pragma once
#include <string>
#include <string_view>

#include "base/async.h"
#include "identity/service.h"
#include "metering/budget/types.h"

namespace meridian::metering {

// The id in its one form; "" names the caller's own organization or project. What the caller may not see is not_found.
Task<std::string> known_scope(identity::Identity& identity, identity::Caller by, ScopeKind kind, std::string id);

// The project of a stored scope.
ProjectId project_named(std::string_view scope_id);

}  // namespace meridian::metering
