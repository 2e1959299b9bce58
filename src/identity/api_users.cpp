// iam/v1alpha1: users. People sign in through the organization's identity provider or use keys; passwords are not kept here.
#include "identity/api.h"
#include "identity/listing.h"
#include "identity/people.h"

namespace meridian::identity {
namespace {

using http::Call;
using State = Identity::State;

constexpr std::size_t person_name_max = 64, email_max = 254, username_min = 2;

struct UserView {
    PrincipalId id;
    std::string email, username, first_name, last_name, phone_number, locale;
    Timestamp created_at, updated_at;
    OrganizationId organization_id;
    bool deletable = true;
    std::optional<Timestamp> last_login_at;
    UserType type = UserType::member;
    bool two_factor_enabled = false;
    UserStatus status = UserStatus::activated;
    bool mfa = false;
    std::string account_root_user_id;
    std::vector<std::string> tags;
    bool locked = false;
    std::string srn;
};
constexpr auto schema_name(As<UserView>) { return std::string_view("iam.User"); }
constexpr auto describe(As<UserView>) {
    return fields(field("id", &UserView::id), field("email", &UserView::email), field("username", &UserView::username),
                  field("first_name", &UserView::first_name), field("last_name", &UserView::last_name),
                  field("phone_number", &UserView::phone_number), field("locale", &UserView::locale),
                  field("created_at", &UserView::created_at), field("updated_at", &UserView::updated_at),
                  field("organization_id", &UserView::organization_id), field("deletable", &UserView::deletable),
                  field("last_login_at", &UserView::last_login_at), field("type", &UserView::type),
                  field("two_factor_enabled", &UserView::two_factor_enabled), field("status", &UserView::status),
                  field("mfa", &UserView::mfa), field("account_root_user_id", &UserView::account_root_user_id),
                  field("tags", &UserView::tags), field("locked", &UserView::locked), field("srn", &UserView::srn));
}

UserView view_of(const User& row) {
    UserView view;
    view.id = row.id;
    view.email = row.email;
    view.username = row.username;
    view.first_name = row.first_name;
    view.last_name = row.last_name;
    view.phone_number = row.phone_number;
    view.locale = row.locale;
    view.created_at = row.created_at;
    view.updated_at = row.updated_at;
    view.organization_id = row.organization;
    view.deletable = row.type == UserType::member;
    view.last_login_at = row.last_login_at;
    view.type = row.type;
    view.status = row.status;
    view.tags = row.tags;
    view.locked = row.locked;
    return view;
}

void check_email(std::string_view email) {
    const auto at = email.find('@');
    if (email.size() > email_max || at == 0 || at == std::string_view::npos || at + 1 == email.size() ||
        email.find_first_of(" \t\r\n") != email.npos)
        refuse("email", "An e-mail address has a name, an @ and a domain.");
}
void check_username(std::string_view name) {
    const auto is_allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("@._-").contains(c);
    };
    if (name.size() < username_min || name.size() > person_name_max || !std::ranges::all_of(name, is_allowed))
        refuse("member.username", "A user name has 2 to 64 letters, digits and @ . _ -");
}
void check_person_name(std::string_view field, std::string_view name) {
    if (name.size() > person_name_max) refuse(field, "This has at most 64 bytes.");
}

struct UserFilter {
    std::string order_by = "created_at_asc", tag, type;
    std::optional<OrganizationId> organization_id;
    std::vector<PrincipalId> user_ids;
    std::optional<bool> mfa;
};
constexpr auto describe(As<UserFilter>) {
    return fields(field("order_by", &UserFilter::order_by, defaulted,
                        one_of{"created_at_asc", "created_at_desc", "updated_at_asc", "updated_at_desc", "email_asc", "email_desc",
                               "last_login_asc", "last_login_desc", "username_asc", "username_desc"}),
                  field("tag", &UserFilter::tag, defaulted),
                  field("type", &UserFilter::type, defaulted, one_of{"unknown_type", "owner", "member"}),
                  field("organization_id", &UserFilter::organization_id), field("user_ids", &UserFilter::user_ids, at_most{1000}),
                  field("mfa", &UserFilter::mfa));
}

using UserList = http::Listed<"users", UserView>;

Task<UserList> list(State& state, Call<UserFilter> call) {
    const auto by = call.caller_as<Caller>();
    check_organization(by, call.in.organization_id);
    if (auto& order = call.in.order_by; order.starts_with("last_login_")) order.insert(std::string_view("last_login").size(), "_at");
    Listing listing("users");
    listing.of("users", by.organization).among("id", call.in.user_ids).order(call.in.order_by);
    if (!call.in.tag.empty()) listing.where("replace(tags, {}, '') <> tags", stored_tag(call.in.tag));
    if (!call.in.type.empty() && call.in.type != "unknown_type") listing.part("type", call.in.type);
    if (call.in.mfa == true) listing.where("1 = 0");
    co_return co_await state.store.read(
        [listing, page = call.page()](store::Tx& tx) { return UserList(mapped(listing.page<User>(tx, page), view_of)); });
}

struct Member {
    std::string email, username, password, first_name, last_name, phone_number, locale;
    bool send_password_email = false, send_welcome_email = false;
};
constexpr auto describe(As<Member>) {
    return fields(field("email", &Member::email, defaulted), field("username", &Member::username, defaulted),
                  field("password", &Member::password, defaulted), field("first_name", &Member::first_name, defaulted),
                  field("last_name", &Member::last_name, defaulted), field("phone_number", &Member::phone_number, defaulted),
                  field("locale", &Member::locale, defaulted), field("send_password_email", &Member::send_password_email, defaulted),
                  field("send_welcome_email", &Member::send_welcome_email, defaulted));
}
struct CreateUser {
    std::optional<OrganizationId> organization_id;
    std::string email;
    std::vector<std::string> tags;
    std::optional<Member> member;
};
constexpr auto schema_name(As<CreateUser>) { return std::string_view("iam.CreateUserRequest"); }
constexpr auto describe(As<CreateUser>) {
    return fields(field("organization_id", &CreateUser::organization_id), field("email", &CreateUser::email, defaulted),
                  field("tags", &CreateUser::tags), field("member", &CreateUser::member));
}

// With an e-mail alone somebody is invited, and is a user from the first sign-in on; a member is one at once.
User planned(const CreateUser& in) {
    User made;
    if (in.member) {
        const auto& m = *in.member;
        if (!in.email.empty()) refuse("member", "Give email or member, not both.");
        if (!m.password.empty())
            refuse("member.password",
                   "Meridian keeps no passwords: people sign in through the organization's identity provider. Leave it empty.");
        check_username(m.username);
        made.email = m.email;
        made.username = m.username;
        made.first_name = m.first_name;
        made.last_name = m.last_name;
        made.phone_number = m.phone_number;
        made.locale = m.locale;
    } else {
        made.email = made.username = in.email;
        made.status = UserStatus::invitation_pending;
    }
    if (!in.member || !made.email.empty()) check_email(made.email);
    check_person_name("member.first_name", made.first_name);
    check_person_name("member.last_name", made.last_name);
    check_person_name("member.phone_number", made.phone_number);
    check_person_name("member.locale", made.locale);
    check_tags(in.tags);
    made.tags = in.tags;
    return made;
}

Task<http::Created<UserView>> create(State& state, Call<CreateUser> call) {
    const auto by = call.caller_as<Caller>();
    check_organization(by, call.in.organization_id);
    auto made = planned(call.in);
    made.id = PrincipalId::random(state.rng);
    made.organization = by.organization;
    made.created_at = made.updated_at = state.clock.now();
    co_await state.change(by, [made](store::Tx& tx) { insert_user(tx, made); });
    co_return http::Created<UserView>{view_of(made)};
}

Task<UserView> get(State& state, Call<> call) {
    co_return co_await state.store.read([by = call.caller_as<Caller>(), id = http::id_param<PrincipalId>(call, "user_id")](store::Tx& tx) {
        return view_of(visible_user(tx, by, id));
    });
}

struct UpdateUser {
    std::optional<std::vector<std::string>> tags;
    std::optional<std::string> email, first_name, last_name, phone_number, locale;
};
constexpr auto schema_name(As<UpdateUser>) { return std::string_view("iam.UpdateUserRequest"); }
constexpr auto describe(As<UpdateUser>) {
    return fields(field("tags", &UpdateUser::tags), field("email", &UpdateUser::email), field("first_name", &UpdateUser::first_name),
                  field("last_name", &UpdateUser::last_name), field("phone_number", &UpdateUser::phone_number),
                  field("locale", &UpdateUser::locale));
}

// A change of one user that the caller's organization has; `f(tx, row)` changes the row.
template <class F>
Task<UserView> change(State& state, Caller by, PrincipalId id, F f) {
    co_return co_await state.change(by, [&state, by, id, f](store::Tx& tx) {
        auto row = visible_user(tx, by, id);
        f(tx, row);
        row.updated_at = state.clock.now();
        update_user(tx, row);
        return view_of(row);
    });
}

Task<UserView> update(State& state, Call<UpdateUser> call) {
    const auto& in = call.in;
    if (in.email && !in.email->empty()) check_email(*in.email);
    for (const auto& [name, text] :
         {std::pair("first_name", in.first_name), {"last_name", in.last_name}, {"phone_number", in.phone_number}, {"locale", in.locale}})
        if (text) check_person_name(name, *text);
    if (in.tags) check_tags(*in.tags);
    co_return co_await change(state, call.caller_as<Caller>(), http::id_param<PrincipalId>(call, "user_id"), [in](store::Tx&, User& row) {
        // Whoever has the address comes in as that user.
        if (in.email && row.status == UserStatus::invitation_pending && *in.email != row.email)
            refuse("email", "An invitation is for its address. Delete it, and invite the other one.");
        row.tags = in.tags.value_or(row.tags);
        row.email = in.email.value_or(row.email);
        row.first_name = in.first_name.value_or(row.first_name);
        row.last_name = in.last_name.value_or(row.last_name);
        row.phone_number = in.phone_number.value_or(row.phone_number);
        row.locale = in.locale.value_or(row.locale);
    });
}

Task<UserView> set_locked(State& state, Call<> call, bool locked) {
    co_return co_await change(state, call.caller_as<Caller>(), http::id_param<PrincipalId>(call, "user_id"),
                              [locked](store::Tx& tx, User& row) {
                                  if (locked) check_not_last_owner(tx, row);
                                  row.locked = locked;
                              });
}

Task<http::NoContent> remove(State& state, Call<> call) {
    const auto by = call.caller_as<Caller>();
    co_await state.change(by, [by, id = http::id_param<PrincipalId>(call, "user_id")](store::Tx& tx) {
        const auto user = visible_user(tx, by, id);
        if (user.type == UserType::owner)
            throw Error(Fault::denied, "An owner is no member that could be removed.").about("user", id.str());
        remove_user(tx, user);
    });
    co_return http::NoContent{};
}

}  // namespace

void add_user_routes(http::Router& router, Identity& identity) {
    using http::doc;
    const auto all = iam_base + "users", one = all + "/{user_id}";
    const auto change = http::Permission{"update", "users"};
    add_route<UserFilter, UserList>(router, identity, "GET", all, {"read", "users"}, doc("ListUsers", "List users", "iam"), list);
    add_route<CreateUser, http::Created<UserView>>(router, identity, "POST", all, {"create", "users"},
                                                   doc("CreateUser", "Invite a user, or make a member", "iam"), create);
    add_route<http::Nothing, UserView>(router, identity, "GET", one, {"read", "users"}, doc("GetUser", "Get a user", "iam"), get);
    add_route<UpdateUser, UserView>(router, identity, "PATCH", one, change, doc("UpdateUser", "Change a user", "iam"), update);
    add_route<http::Nothing, UserView>(router, identity, "POST", one + "/lock", change,
                                       doc("LockUser", "Lock a user and all its keys", "iam"),
                                       [](State& state, Call<> call) { return set_locked(state, std::move(call), true); });
    add_route<http::Nothing, UserView>(router, identity, "POST", one + "/unlock", change, doc("UnlockUser", "Unlock a user", "iam"),
                                       [](State& state, Call<> call) { return set_locked(state, std::move(call), false); });
    add_route<http::Nothing, http::NoContent>(router, identity, "DELETE", one, {"remove", "users"},
                                              doc("DeleteUser", "Remove a member with its keys", "iam"), remove);
}

}  // namespace meridian::identity
