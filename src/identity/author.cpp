// What the record of changes says about who made one.
#include "base/json.h"
#include "identity/service.h"

namespace meridian::identity {

store::Author author_of(const Caller& caller) {
    const auto text = [](const std::string& t) { return t.empty() ? Json(nullptr) : Json(t); };
    const http::Origin none;
    const auto& origin = caller.origin ? *caller.origin : none;
    return {.who = to_text(JsonObject{{"principal", caller.principal.is_nil() ? Json(nullptr) : Json(caller.principal.str())},
                                      {"api_key", text(caller.access_key)},
                                      {"organization", caller.organization.str()},
                                      {"operation", text(origin.operation)},
                                      {"product", text(origin.product)},
                                      {"address", text(origin.address)},
                                      {"user_agent", text(origin.user_agent)},
                                      {"request", text(origin.request_id)}}),
            .columns = {"organization_id", "project_id", "name"}};
}

}  // namespace meridian::identity
