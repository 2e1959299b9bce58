// Principals and what gathers them: users, applications and groups, as rows; and the rules that hold for them. All in the caller's
// transaction.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "identity/service.h"
#include "resource/fields.h"

namespace meridian::identity {

enum class UserType { owner, member };
constexpr auto names(As<UserType>) { return words<UserType>({{UserType::owner, "owner"}, {UserType::member, "member"}}); }
enum class UserStatus { invitation_pending, activated };
constexpr auto names(As<UserStatus>) {
    return words<UserStatus>({{UserStatus::invitation_pending, "invitation_pending"}, {UserStatus::activated, "activated"}});
}

struct User {
    PrincipalId id;
    OrganizationId organization;
    UserType type = UserType::member;
    UserStatus status = UserStatus::activated;
    std::string email, username, first_name, last_name, phone_number, locale;
    std::vector<std::string> tags;
    bool locked = false;
    Timestamp created_at, updated_at;
    std::optional<Timestamp> last_login_at;
};
constexpr auto describe(As<User>) {
    return fields(field("id", &User::id), field("organization_id", &User::organization), field("type", &User::type),
                  field("status", &User::status), field("email", &User::email), field("username", &User::username),
                  field("first_name", &User::first_name), field("last_name", &User::last_name), field("phone_number", &User::phone_number),
                  field("locale", &User::locale), field("tags", &User::tags), field("locked", &User::locked),
                  field("created_at", &User::created_at), field("updated_at", &User::updated_at),
                  field("last_login_at", &User::last_login_at));
}

struct Application {
    PrincipalId id;
    OrganizationId organization;
    std::string name, description;
    std::vector<std::string> tags;
    Timestamp created_at, updated_at;
};
constexpr auto describe(As<Application>) {
    return fields(field("id", &Application::id), field("organization_id", &Application::organization), field("name", &Application::name),
                  field("description", &Application::description), field("tags", &Application::tags),
                  field("created_at", &Application::created_at), field("updated_at", &Application::updated_at));
}

struct Group {
    GroupId id;
    OrganizationId organization;
    std::string name, description;
    std::vector<std::string> tags;
    Timestamp created_at, updated_at;
};
constexpr auto describe(As<Group>) {
    return fields(field("id", &Group::id), field("organization_id", &Group::organization), field("name", &Group::name),
                  field("description", &Group::description), field("tags", &Group::tags), field("created_at", &Group::created_at),
                  field("updated_at", &Group::updated_at));
}
struct Members {
    std::vector<PrincipalId> users, applications;
};

// A name of an application, a group or a policy: Scaleway's rule.
void check_name(std::string_view name, std::string_view what);
void check_tags(const std::vector<std::string>& tags);

// Error{not_found} for what is not of the caller's organization.
User visible_user(store::Tx& tx, const Caller& by, const PrincipalId& id);
Application visible_application(store::Tx& tx, const Caller& by, const PrincipalId& id);
Group visible_group(store::Tx& tx, const Caller& by, const GroupId& id);

// Error{conflict} where the name is taken, Error{quota} where there are too many.
void insert_user(store::Tx& tx, const User& user);
void update_user(store::Tx& tx, const User& user);
void insert_application(store::Tx& tx, const Application& application);
void update_application(store::Tx& tx, const Application& application);
void insert_group(store::Tx& tx, const Group& group);
void update_group(store::Tx& tx, const Group& group);

// With their keys. Error{precondition} for the last owner, who can neither go nor be locked.
void remove_user(store::Tx& tx, const User& user);
void remove_application(store::Tx& tx, const Application& application);
void remove_group(store::Tx& tx, const Group& group);
void check_not_last_owner(store::Tx& tx, const User& user);

Members members_of(store::Tx& tx, const GroupId& group);  // oldest first
// Error{not_found} for a principal of another organization, Error{quota} for too many.
void add_members(store::Tx& tx, const Group& group, const Members& members);
void remove_member(store::Tx& tx, const Group& group, const PrincipalId& member);
void remove_members(store::Tx& tx, const Group& group);

// A tag as it stands in the JSON of a row.
std::string stored_tag(std::string_view tag);

std::int64_t count_keys_of(store::Tx& tx, const PrincipalId& principal);

}  // namespace meridian::identity
