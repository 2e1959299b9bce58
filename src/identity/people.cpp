#include "identity/people.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "identity/quotas.h"
#include "identity/rows.h"
#include "identity/store.h"

namespace meridian::identity {
namespace {

constexpr std::size_t name_max = 64, tags_max = 50, tag_max = 200;

void insert_principal(store::Tx& tx, const PrincipalId& id, const OrganizationId& organization, std::string_view kind,
                      std::string_view name, Timestamp now) {
    check_room(tx, "principals", organization, limits::principals, "users and applications", "iam_user");
    tx.run("insert into principals (id, organization_id, kind, name, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)", id,
           organization, kind, name, now);
    add_count(tx, "principals", organization, 1);
}

// With what refers to it.
void remove_principal(store::Tx& tx, const PrincipalId& id, const OrganizationId& organization) {
    for (const auto& key : keys_of(tx, id)) remove_key(tx, key);
    tx.run("delete from principals where id = $1", id);
    add_count(tx, "principals", organization, -1);
}

void count_user(store::Tx& tx, const User& user, std::int64_t more) {
    add_count(tx, "users", user.organization, more);
    add_count(tx, fmt::format("users:{}", word(user.type)), user.organization, more);
}

}  // namespace

void check_name(std::string_view name, std::string_view what) {
    const auto is_allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("()._- ").contains(c);
    };
    if (name.empty() || name.size() > name_max || !std::ranges::all_of(name, is_allowed))
        refuse("name", fmt::format("The name of {} has 1 to {} letters, digits, blanks and ( ) . _ -", what, name_max));
}

void check_tags(const std::vector<std::string>& tags) {
    if (tags.size() > tags_max) refuse("tags", fmt::format("There are at most {} tags.", tags_max));
    if (std::ranges::any_of(tags, [](const auto& tag) { return tag.size() > tag_max; }))
        refuse("tags", fmt::format("A tag has at most {} bytes.", tag_max));
}

User visible_user(store::Tx& tx, const Caller& by, const PrincipalId& id) { return row_of<User>(tx, by, "users", "user", id); }
Application visible_application(store::Tx& tx, const Caller& by, const PrincipalId& id) {
    return row_of<Application>(tx, by, "applications", "application", id);
}
Group visible_group(store::Tx& tx, const Caller& by, const GroupId& id) { return row_of<Group>(tx, by, "groups", "group", id); }

void insert_user(store::Tx& tx, const User& user) {
    insert_principal(tx, user.id, user.organization, "user", user.username, user.created_at);
    named("user", user.username, [&] { insert_row(tx, "users", user); });
    count_user(tx, user, 1);
    tx.changed("users", user.id.str());
}
void update_user(store::Tx& tx, const User& user) {
    named("user", user.username, [&] { update_row(tx, "users", "id", user); });
    tx.changed("users", user.id.str());
}
void insert_application(store::Tx& tx, const Application& application) {
    insert_principal(tx, application.id, application.organization, "application", application.name, application.created_at);
    named("application", application.name, [&] { insert_row(tx, "applications", application); });
    add_count(tx, "applications", application.organization, 1);
    tx.changed("applications", application.id.str());
}
void update_application(store::Tx& tx, const Application& application) {
    named("application", application.name, [&] { update_row(tx, "applications", "id", application); });
    tx.changed("applications", application.id.str());
}
void insert_group(store::Tx& tx, const Group& group) {
    check_room(tx, "groups", group.organization, limits::groups, "groups", "iam_group");
    named("group", group.name, [&] { insert_row(tx, "groups", group); });
    add_count(tx, "groups", group.organization, 1);
    tx.changed("groups", group.id.str());
}
void update_group(store::Tx& tx, const Group& group) {
    named("group", group.name, [&] { update_row(tx, "groups", "id", group); });
    tx.changed("groups", group.id.str());
}

void check_not_last_owner(store::Tx& tx, const User& user) {
    if (user.type != UserType::owner) return;
    const auto others =
        tx.query("select count(*) as n from users where organization_id = $1 and type = 'owner' and locked = 0 and id <> $2",
                 user.organization, user.id)
            .front()
            .get<std::int64_t>("n");
    if (others == 0)
        throw Error(Fault::precondition,
                    "This is the last owner; without one nobody could manage the organization. Make another one first.")
            .with_code("resource_still_in_use")
            .about("user", user.id.str());
}

void remove_user(store::Tx& tx, const User& user) {
    check_not_last_owner(tx, user);
    tx.changed("users", user.id.str());
    remove_principal(tx, user.id, user.organization);
    count_user(tx, user, -1);
}
void remove_application(store::Tx& tx, const Application& application) {
    tx.changed("applications", application.id.str());
    remove_principal(tx, application.id, application.organization);
    add_count(tx, "applications", application.organization, -1);
}
void remove_group(store::Tx& tx, const Group& group) {
    tx.changed("groups", group.id.str());
    tx.run("delete from groups where id = $1", group.id);
    add_count(tx, "groups", group.organization, -1);
}

Members members_of(store::Tx& tx, const GroupId& group) {
    Members made;
    for (const auto& row : tx.query("select p.id, p.kind from group_members m join principals p on p.id = m.principal_id "
                                    "where m.group_id = $1 order by p.created_at, p.id",
                                    group))
        (row.get<std::string>("kind") == "user" ? made.users : made.applications).push_back(store::id_in<PrincipalId>(row, "id"));
    return made;
}

void add_members(store::Tx& tx, const Group& group, const Members& members) {
    const auto add = [&](const PrincipalId& id, bool is_user) {
        const auto found = find_principal(tx, group.organization, id);
        if (found != is_user) no_such(is_user ? "user" : "application", id.str());
        if (tx.query("select 1 as one from group_members where group_id = $1 and principal_id = $2", group.id, id).empty())
            tx.run("insert into group_members (group_id, principal_id) values ($1, $2)", group.id, id);
    };
    for (const auto& id : members.users) add(id, true);
    for (const auto& id : members.applications) add(id, false);
    tx.changed("groups", group.id.str());
}

void remove_member(store::Tx& tx, const Group& group, const PrincipalId& member) {
    if (tx.run("delete from group_members where group_id = $1 and principal_id = $2", group.id, member) == 0)
        no_such("member of this group", member.str());
    tx.changed("groups", group.id.str());
}

void remove_members(store::Tx& tx, const Group& group) {
    tx.run("delete from group_members where group_id = $1", group.id);
    tx.changed("groups", group.id.str());
}

std::string stored_tag(std::string_view tag) { return to_text(Json(tag)); }

std::int64_t count_keys_of(store::Tx& tx, const PrincipalId& principal) {
    return tx.query("select count(*) as n from api_keys where principal_id = $1", principal).front().get<std::int64_t>("n");
}

}  // namespace meridian::identity
