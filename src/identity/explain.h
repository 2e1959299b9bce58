// Why a key may do something, or may not, in sentences that name the policies.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "identity/service.h"

namespace meridian::identity {

struct Explained {
    bool is_allowed = false;
    std::vector<std::string> because;
};
// In one project, or anywhere. The answer is the authorizer's own: both ask the same grants.
Explained explain(store::Tx& tx, const ApiKey& key, std::size_t right, const std::optional<ProjectId>& project);

}  // namespace meridian::identity
