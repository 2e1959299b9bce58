// iam/v1alpha1: groups of users and applications.
#include "identity/api.h"
#include "identity/listing.h"
#include "identity/people.h"
#include "identity/policies.h"

namespace meridian::identity {
namespace {

using http::Call;
using State = Identity::State;

struct GroupView {
    GroupId id;
    Timestamp created_at, updated_at;
    OrganizationId organization_id;
    std::string name, description;
    std::vector<PrincipalId> user_ids, application_ids;
    std::vector<std::string> tags;
    bool editable = true, deletable = true, managed = false, all_users = false, all_applications = false;
    std::string srn;
};
constexpr auto schema_name(As<GroupView>) { return std::string_view("iam.Group"); }
constexpr auto describe(As<GroupView>) {
    return fields(field("id", &GroupView::id), field("created_at", &GroupView::created_at), field("updated_at", &GroupView::updated_at),
                  field("organization_id", &GroupView::organization_id), field("name", &GroupView::name),
                  field("description", &GroupView::description), field("user_ids", &GroupView::user_ids),
                  field("application_ids", &GroupView::application_ids), field("tags", &GroupView::tags),
                  field("editable", &GroupView::editable), field("deletable", &GroupView::deletable), field("managed", &GroupView::managed),
                  field("all_users", &GroupView::all_users), field("all_applications", &GroupView::all_applications),
                  field("srn", &GroupView::srn));
}

GroupView view_of(store::Tx& tx, const Group& row) {
    GroupView view;
    view.id = row.id;
    view.created_at = row.created_at;
    view.updated_at = row.updated_at;
    view.organization_id = row.organization;
    view.name = row.name;
    view.description = row.description;
    auto members = members_of(tx, row.id);
    view.user_ids = std::move(members.users);
    view.application_ids = std::move(members.applications);
    view.tags = row.tags;
    return view;
}

struct GroupFilter {
    std::string order_by = "created_at_asc", name, tag;
    std::optional<OrganizationId> organization_id;
    std::vector<PrincipalId> application_ids, user_ids;
    std::vector<GroupId> group_ids;
};
constexpr auto describe(As<GroupFilter>) {
    return fields(field("order_by", &GroupFilter::order_by, defaulted,
                        one_of{"created_at_asc", "created_at_desc", "updated_at_asc", "updated_at_desc", "name_asc", "name_desc"}),
                  field("name", &GroupFilter::name, defaulted), field("tag", &GroupFilter::tag, defaulted),
                  field("organization_id", &GroupFilter::organization_id),
                  field("application_ids", &GroupFilter::application_ids, at_most{1000}),
                  field("user_ids", &GroupFilter::user_ids, at_most{1000}), field("group_ids", &GroupFilter::group_ids, at_most{1000}));
}

using GroupList = http::Listed<"groups", GroupView>;

Task<GroupList> list(State& state, Call<GroupFilter> call) {
    const auto by = call.caller_as<Caller>();
    check_organization(by, call.in.organization_id);
    Listing listing("groups");
    listing.of("groups", by.organization).among("id", call.in.group_ids).order(call.in.order_by);
    if (!call.in.name.empty()) listing.where("name = {}", call.in.name);
    if (!call.in.tag.empty()) listing.where("replace(tags, {}, '') <> tags", stored_tag(call.in.tag));
    for (const auto& wanted : {call.in.user_ids, call.in.application_ids})
        for (const auto& id : wanted) listing.where("id in (select group_id from group_members where principal_id = {})", id);
    co_return co_await state.store.read([listing, page = call.page()](store::Tx& tx) {
        return GroupList(mapped(listing.page<Group>(tx, page), [&](const Group& row) { return view_of(tx, row); }));
    });
}

struct CreateGroup {
    std::optional<OrganizationId> organization_id;
    std::string name, description;
    std::vector<std::string> tags;
};
constexpr auto schema_name(As<CreateGroup>) { return std::string_view("iam.CreateGroupRequest"); }
constexpr auto describe(As<CreateGroup>) {
    return fields(field("organization_id", &CreateGroup::organization_id), field("name", &CreateGroup::name),
                  field("description", &CreateGroup::description, defaulted), field("tags", &CreateGroup::tags));
}

Task<http::Created<GroupView>> create(State& state, Call<CreateGroup> call) {
    const auto by = call.caller_as<Caller>();
    check_organization(by, call.in.organization_id);
    check_name(call.in.name, "a group");
    check_description(call.in.description);
    check_tags(call.in.tags);
    const auto now = state.clock.now();
    const Group made{.id = GroupId::random(state.rng),
                     .organization = by.organization,
                     .name = call.in.name,
                     .description = call.in.description,
                     .tags = call.in.tags,
                     .created_at = now,
                     .updated_at = now};
    co_return http::Created<GroupView>{co_await state.change(by, [made](store::Tx& tx) {
        insert_group(tx, made);
        return view_of(tx, made);
    })};
}

Task<GroupView> get(State& state, Call<> call) {
    co_return co_await state.store.read([by = call.caller_as<Caller>(), id = http::id_param<GroupId>(call, "group_id")](store::Tx& tx) {
        return view_of(tx, visible_group(tx, by, id));
    });
}

// A change of one group; `f(tx, row)` changes the row and its members.
template <class F>
Task<GroupView> change(State& state, Caller by, GroupId id, F f) {
    co_return co_await state.change(by, [&state, by, id, f](store::Tx& tx) {
        auto row = visible_group(tx, by, id);
        f(tx, row);
        row.updated_at = state.clock.now();
        update_group(tx, row);
        return view_of(tx, row);
    });
}

struct UpdateGroup {
    std::optional<std::string> name, description;
    std::optional<std::vector<std::string>> tags;
};
constexpr auto schema_name(As<UpdateGroup>) { return std::string_view("iam.UpdateGroupRequest"); }
constexpr auto describe(As<UpdateGroup>) {
    return fields(field("name", &UpdateGroup::name), field("description", &UpdateGroup::description), field("tags", &UpdateGroup::tags));
}

Task<GroupView> update(State& state, Call<UpdateGroup> call) {
    const auto& in = call.in;
    if (in.name) check_name(*in.name, "a group");
    if (in.description) check_description(*in.description);
    if (in.tags) check_tags(*in.tags);
    co_return co_await change(state, call.caller_as<Caller>(), http::id_param<GroupId>(call, "group_id"), [in](store::Tx&, Group& row) {
        row.name = in.name.value_or(row.name);
        row.description = in.description.value_or(row.description);
        row.tags = in.tags.value_or(row.tags);
    });
}

// Lists of members, or one of them: the clients have a call for each.
struct MembersWish {
    std::vector<PrincipalId> user_ids, application_ids;
    std::optional<PrincipalId> user_id, application_id;
    [[nodiscard]] Members members() const {
        Members made{user_ids, application_ids};
        if (user_id) made.users.push_back(*user_id);
        if (application_id) made.applications.push_back(*application_id);
        return made;
    }
};
constexpr auto schema_name(As<MembersWish>) { return std::string_view("iam.GroupMembersRequest"); }
constexpr auto describe(As<MembersWish>) {
    return fields(field("user_ids", &MembersWish::user_ids, at_most{1000}),
                  field("application_ids", &MembersWish::application_ids, at_most{1000}), field("user_id", &MembersWish::user_id),
                  field("application_id", &MembersWish::application_id));
}

Task<GroupView> put_members(State& state, Call<MembersWish> call, bool instead) {
    const auto by = call.caller_as<Caller>();
    co_return co_await change(state, by, http::id_param<GroupId>(call, "group_id"),
                              [by, instead, members = call.in.members()](store::Tx& tx, Group& row) {
                                  check_may_give(tx, by, policies_of(tx, row.id));
                                  if (instead) remove_members(tx, row);
                                  add_members(tx, row, members);
                              });
}

Task<GroupView> take_member(State& state, Call<MembersWish> call) {
    const auto members = call.in.members();
    if (members.users.size() + members.applications.size() != 1) refuse("user_id", "Give user_id or application_id.");
    co_return co_await change(state, call.caller_as<Caller>(), http::id_param<GroupId>(call, "group_id"),
                              [members](store::Tx& tx, Group& row) {
                                  remove_member(tx, row, members.users.empty() ? members.applications.front() : members.users.front());
                              });
}

Task<http::NoContent> remove(State& state, Call<> call) {
    const auto by = call.caller_as<Caller>();
    co_await state.change(
        by, [by, id = http::id_param<GroupId>(call, "group_id")](store::Tx& tx) { remove_group(tx, visible_group(tx, by, id)); });
    co_return http::NoContent{};
}

}  // namespace

void add_group_routes(http::Router& router, Identity& identity) {
    using http::doc;
    const auto all = iam_base + "groups", one = all + "/{group_id}";
    const auto change = http::Permission{"update", "groups"};
    const auto put = [](bool instead) {
        return [instead](State& state, Call<MembersWish> call) { return put_members(state, std::move(call), instead); };
    };
    add_route<GroupFilter, GroupList>(router, identity, "GET", all, {"read", "groups"}, doc("ListGroups", "List groups", "iam"), list);
    add_route<CreateGroup, http::Created<GroupView>>(router, identity, "POST", all, {"create", "groups"},
                                                     doc("CreateGroup", "Make a group", "iam"), create);
    add_route<http::Nothing, GroupView>(router, identity, "GET", one, {"read", "groups"}, doc("GetGroup", "Get a group", "iam"), get);
    add_route<UpdateGroup, GroupView>(router, identity, "PATCH", one, change, doc("UpdateGroup", "Change a group", "iam"), update);
    add_route<MembersWish, GroupView>(router, identity, "PUT", one + "/members", change,
                                      doc("SetGroupMembers", "Put others in the place of a group's members", "iam"), put(true));
    add_route<MembersWish, GroupView>(router, identity, "POST", one + "/add-member", change,
                                      doc("AddGroupMember", "Add a member to a group", "iam"), put(false));
    add_route<MembersWish, GroupView>(router, identity, "POST", one + "/add-members", change,
                                      doc("AddGroupMembers", "Add members to a group", "iam"), put(false));
    add_route<MembersWish, GroupView>(router, identity, "POST", one + "/remove-member", change,
                                      doc("RemoveGroupMember", "Take a member out of a group", "iam"), take_member);
    add_route<http::Nothing, http::NoContent>(router, identity, "DELETE", one, {"remove", "groups"},
                                              doc("DeleteGroup", "Delete a group", "iam"), remove);
}

}  // namespace meridian::identity
