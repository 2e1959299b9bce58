// /meridian/v1/permissions: which right each route asks for and who has it, and whether one key may do one thing, and why.
#include <fmt/format.h>

#include "identity/api.h"
#include "identity/explain.h"
#include "identity/permission_sets.h"

namespace meridian::identity {
namespace {

using http::Call;
using State = Identity::State;

std::string_view word_of(Level level) {
    switch (level) {
        case Level::project:
            return "project";
        case Level::organization:
            return "organization";
        case Level::platform:
            return "platform";
    }
    return "";
}

JsonArray sets_with(std::size_t right) {
    JsonArray made;
    for (const auto& set : permission_sets())
        if (rights_of(set)[right]) made.emplace_back(set.name);
    return made;
}

JsonArray roles_with(const Right& right) {
    JsonArray made;
    for (const auto role : {Role::admin, Role::inference, Role::observer})
        if (right.is_for(role)) made.emplace_back(word(role));
    return made;
}

Json row_of(const http::Route& route) {
    const auto right = place_of(route.may.action, route.may.scope);
    JsonObject row{{"method", route.method},
                   {"path", route.pattern},
                   {"operation", route.doc.id},
                   {"action", route.may.action},
                   {"scope", route.may.scope}};
    row["level"] = right ? Json(word_of(rights()[*right].level)) : Json(nullptr);  // null: open to everybody
    row["everybody"] = right && rights_of_everybody()[*right];
    row["permission_sets"] = right ? sets_with(*right) : JsonArray();
    row["roles"] = right ? roles_with(rights()[*right]) : JsonArray();
    return row;
}

Json all_routes(const http::Router& router) {
    JsonArray rows;
    for (const auto& route : router.routes()) rows.push_back(row_of(route));
    return JsonObject{{"version", rights_version()}, {"routes", std::move(rows)}};
}

struct CheckWish {
    std::string access_key, action, scope;
    std::optional<ProjectId> project_id;
};
constexpr auto describe(As<CheckWish>) {
    return fields(field("access_key", &CheckWish::access_key, defaulted, help("The caller's own unless another is named.")),
                  field("action", &CheckWish::action), field("scope", &CheckWish::scope),
                  field("project_id", &CheckWish::project_id, help("Anywhere unless one is named.")));
}

Task<Json> check(State& state, Call<CheckWish> call) {
    const auto by = call.caller_as<Caller>();
    const auto& in = call.in;
    const auto right = place_of(in.action, in.scope);
    if (!right)
        refuse("scope",
               fmt::format("No route asks for '{} {}'. GET /meridian/v1/permissions lists what they ask for.", in.action, in.scope));
    const auto key = in.access_key.empty() ? by.access_key : in.access_key;
    const auto found = co_await state.store.read(
        [by, key, right, project = in.project_id](store::Tx& tx) { return explain(tx, visible_key(tx, by, key), *right, project); });
    JsonArray because;
    for (const auto& reason : found.because) because.emplace_back(reason);
    co_return JsonObject{{"access_key", key},           {"action", in.action},
                         {"scope", in.scope},           {"project_id", in.project_id ? Json(in.project_id->str()) : Json(nullptr)},
                         {"allowed", found.is_allowed}, {"because", std::move(because)}};
}

}  // namespace

void add_permission_routes(http::Router& router, Identity& identity) {
    using http::doc;
    const std::string base = "/meridian/v1/permissions";
    const auto dialect = http::Dialect::meridian;
    router.add(http::typed<http::Nothing, Json>("GET", base, {"read", "organization"}, dialect,
                                                doc("ListPermissions", "Which right each route asks for, and who has it", "iam"),
                                                [&router](const Call<>&) { return all_routes(router); }));
    router.add(http::typed<CheckWish, Json>("GET", base + "/check", {"read", "own_key"}, dialect,
                                            doc("CheckPermission", "Whether a key may do something, and why", "iam"),
                                            [&identity](Call<CheckWish> call) { return check(identity.state(), std::move(call)); }));
}

}  // namespace meridian::identity
