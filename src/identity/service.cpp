#include "identity/service.h"

#include <fmt/format.h>

#include "base/error.h"
#include "identity/permissions.h"
#include "identity/state.h"
#include "identity/store.h"

namespace meridian::identity {
namespace {

KeyTable read_keys(store::Tx& tx) {
    KeyTable table;
    for (const auto& [hash, key] : all_keys(tx)) {
        auto caller = std::make_shared<Caller>();
        caller->organization = key.organization;
        caller->project = key.default_project;
        caller->principal = key.principal;
        caller->access_key = key.access_key;
        caller->role = key.role;
        caller->policy = rights_version();
        caller->only_project = key.only_project;
        table.emplace(hash, Known{std::move(caller), key.expires_at});
    }
    return table;
}

}  // namespace

Identity::State::State(store::Store& s, Clock& c, Rng& r)
    : store(s), clock(c), rng(r), keys(s, {"api_keys", "projects", "organizations"}, read_keys) {}

Identity::Identity(store::Store& store, Clock& clock, Rng& rng) : state_(std::make_unique<State>(store, clock, rng)) {}
Identity::~Identity() = default;

Timestamp Identity::now() const { return state_->clock.now(); }
http::Authorizer& Identity::authorizer() { return *state_; }
void Identity::follow(Executor executor) { state_->keys.follow(std::move(executor)); }

Bootstrap Identity::bootstrap() {
    State& s = *state_;
    const auto made = s.store.write_now([&](store::Tx& tx) {
        if (const auto there = find_defaults(tx)) return Bootstrap{there->organization, there->project, std::nullopt};
        const Defaults d{OrganizationId::random(s.rng), ProjectId::random(s.rng), PrincipalId::random(s.rng)};
        const auto now = s.clock.now();
        insert_defaults(tx, d, now);
        ApiKey first;
        first.organization = d.organization;
        first.default_project = d.project;
        first.principal = d.principal;
        first.description = "first key";
        first.created_at = first.updated_at = now;
        return Bootstrap{d.organization, d.project, insert_new_key(tx, first, s.rng)};
    });
    s.keys.refresh();
    return made;
}

NewKey Identity::create_key_now(Role role, std::string description) {
    State& s = *state_;
    auto made = s.store.write_now([&](store::Tx& tx) {
        const auto defaults = find_defaults(tx);
        if (!defaults) throw Error(Fault::precondition, "This data directory is new. Start meridian up once; it makes the first key.");
        Caller owner;
        owner.organization = defaults->organization;
        owner.project = defaults->project;
        owner.principal = defaults->principal;
        owner.role = Role::admin;
        KeyWish wish;
        wish.role = role;
        wish.description = description;
        return insert_new_key(tx, planned_key(tx, owner, wish, s.clock.now()), s.rng);
    });
    s.keys.refresh();
    return made;
}

[[noreturn]] void refuse(std::string_view field, std::string help) {
    throw Error(Fault::invalid, help).with({.name = std::string(field), .reason = FieldProblem::Reason::constraint, .help = help});
}
[[noreturn]] void no_such(std::string_view what, std::string id) {
    throw Error(Fault::not_found, fmt::format("There is no such {}.", what)).about(std::string(what), std::move(id));
}

void check_description(std::string_view text) {
    if (text.size() > description_max || !is_utf8(text))
        refuse("description", fmt::format("A description has at most {} bytes.", description_max));
}
void need_admin(const Caller& by) {
    if (by.role != Role::admin) throw Error(Fault::denied, "This needs a key with the role admin.").about("keys", "");
}

}  // namespace meridian::identity
