#include "identity/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/error.h"
#include "identity/permissions.h"
#include "identity/policies.h"
#include "identity/sessions.h"
#include "identity/state.h"
#include "identity/store.h"

namespace meridian::identity {
namespace {

// A key of a principal with these rights: the caller that it makes for each right that is left to it.
Known known(const ApiKey& key, const Grants& bearer, bool is_locked) {
    const auto grants = std::make_shared<const Grants>(bearer.limited(rights_for(key.role), key.only_project));
    Known made{.callers = {}, .by_right = {}, .expires_at = key.expires_at, .is_locked = is_locked};
    const auto version = rights_version() + "/" + grants->digest();
    std::vector<Reach> reaches;
    for (std::size_t right = 0; right < rights().size(); ++right) reaches.push_back(grants->reach(right));
    for (std::size_t right = 0; right < rights().size(); ++right) {
        const auto& reach = reaches[right];
        // What is not of a project has no part that a reach could name.
        if (reach.is_nowhere() || (rights()[right].level != Level::project && !reach.is_everywhere())) continue;
        const auto read = place_of("read", rights()[right].scope);
        const auto sight = read ? reaches[*read] : Reach();
        auto at = std::ranges::find_if(made.callers, [&](const Caller& c) { return c.reach == reach && c.sight == sight; });
        if (at == made.callers.end()) {
            Caller caller;
            caller.organization = key.organization;
            caller.project = key.default_project;
            caller.principal = key.principal;
            caller.access_key = key.access_key;
            caller.policy = version;
            caller.grants = grants;
            caller.reach = reach;
            caller.sight = sight;
            made.callers.push_back(std::move(caller));
            at = std::prev(made.callers.end());
        }
        made.by_right[right] = static_cast<std::uint8_t>(at - made.callers.begin() + 1);
    }
    return made;
}

// A key's, or a session's that has the rights of one.
KnownSecrets::Found read_known(store::Tx& tx, const Sha256& digest) {
    auto key = find_key_of(tx, digest);
    std::vector<std::string> rows;
    if (!key) {
        auto session = find_session_of(tx, digest);
        if (!session) return {};
        key = std::move(session->rights);
        rows.push_back(session->id.str());
        if (session->access_key) rows.push_back(*session->access_key);
    } else {
        rows.push_back(key->access_key);
    }
    auto bearer = standing_of(tx, key->principal, key->organization);
    KnownSecrets::Found found{std::make_shared<const Known>(known(*key, bearer.grants, bearer.is_locked)), std::move(bearer.sources)};
    found.depends_on.insert(found.depends_on.end(), rows.begin(), rows.end());
    found.depends_on.push_back(key->principal.str());
    return found;
}

}  // namespace

Identity::State::State(store::Store& s, Clock& c, Rng& r) : store(s), clock(c), rng(r), keys(s, read_known) {}

Identity::Identity(store::Store& store, Clock& clock, Rng& rng) : state_(std::make_unique<State>(store, clock, rng)) {}
Identity::~Identity() = default;

Timestamp Identity::now() const { return state_->clock.now(); }
http::Authorizer& Identity::authorizer() { return *state_; }
void Identity::follow(Executor executor) { state_->keys.follow(std::move(executor)); }

Bootstrap Identity::bootstrap() {
    State& s = *state_;
    return s.store.write_now([&](store::Tx& tx) {
        s.keys.begin(tx.revision() - 1);
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
}

NewKey Identity::create_key_now(Role role, std::string description) {
    State& s = *state_;
    auto made = s.store.write_now([&](store::Tx& tx) {
        const auto defaults = find_defaults(tx);
        if (!defaults) throw Error(Fault::precondition, "This data directory is new. Start meridian up once; it makes the first key.");
        const auto owner = everything(defaults->organization, defaults->project, defaults->principal);
        KeyWish wish;
        wish.role = role;
        wish.description = description;
        return insert_new_key(tx, planned_key(tx, owner, wish, s.clock.now()), s.rng);
    });
    s.keys.refresh();
    return made;
}

Task<bool> Identity::has_principal(Caller by, PrincipalId id) {
    co_return co_await state_->store.read([by, id](store::Tx& tx) { return find_principal(tx, by.organization, id).has_value(); });
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
}  // namespace meridian::identity
