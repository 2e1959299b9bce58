#include "cli/nouns.h"

namespace meridian::cli {
namespace {

struct PersonOptions {
    std::string who, email, first_name, last_name;
};

int invite(const Common& common, const PersonOptions& o) {
    auto api = common.api();
    return show(common, nouns::people, api.post(std::string(nouns::people.path), JsonObject{{"email", o.email}}));
}

int add(const Common& common, const PersonOptions& o) {
    auto api = common.api();
    JsonObject member{{"username", o.who}, {"email", o.email}, {"first_name", o.first_name}, {"last_name", o.last_name}};
    return show(common, nouns::people, api.post(std::string(nouns::people.path), JsonObject{{"member", std::move(member)}}));
}

auto turning(std::string_view how) {
    return [how](const Common& common, const PersonOptions& o) {
        auto api = common.api();
        return show(common, nouns::people, api.post(path_of(nouns::people, id_of(api, nouns::people, o.who), how), JsonObject()));
    };
}

}  // namespace

void add_people(CLI::App& app, Common& common, const Chosen& chosen) {
    auto* people = add_noun(app, nouns::people, "Users of the organization: list, invite, add, lock, unlock, remove");
    add_list(*people, common, chosen, nouns::people, "Users of the organization");
    add_command<PersonOptions>(*people, common, chosen, "invite", "Invite somebody, who is a user from the first sign-in on", invite)
        .needs("EMAIL", &PersonOptions::email, "E-mail address");
    auto make = add_command<PersonOptions>(*people, common, chosen, "add", "Make a member at once", add);
    make.needs("USERNAME", &PersonOptions::who, "2 to 64 letters, digits and @ . _ -");
    make.takes("--email", &PersonOptions::email, "E-mail address");
    make.takes("--first-name", &PersonOptions::first_name, "First name");
    make.takes("--last-name", &PersonOptions::last_name, "Last name");
    add_command<PersonOptions>(*people, common, chosen, "lock", "Lock a user out, with all keys", turning("/lock"))
        .needs("USER", &PersonOptions::who, "User name or id");
    add_command<PersonOptions>(*people, common, chosen, "unlock", "Let a user in again", turning("/unlock"))
        .needs("USER", &PersonOptions::who, "User name or id");
    add_delete(*people, common, chosen, nouns::people, "Remove a member, with all keys", "remove");
}

}  // namespace meridian::cli
