#include "cli/nouns.h"

namespace meridian::cli {
namespace {

struct GroupOptions {
    std::string group, description;
    std::vector<std::string> users, applications;
};

int create(const Common& common, const GroupOptions& o) {
    auto api = common.api();
    return show(common, nouns::groups,
                api.post(std::string(nouns::groups.path), JsonObject{{"name", o.group}, {"description", o.description}}));
}

JsonArray ids_of(Api& api, const Noun& noun, const std::vector<std::string>& names) {
    JsonArray made;
    for (const auto& name : names) made.emplace_back(id_of(api, noun, name));
    return made;
}

void check_members(const GroupOptions& o) {
    if (o.users.empty() && o.applications.empty())
        throw Failure{usage, "Nobody was named.", "meridian groups add GROUP --user NAME --application NAME"};
}

int add(const Common& common, const GroupOptions& o) {
    check_members(o);
    auto api = common.api();
    const JsonObject members{{"user_ids", ids_of(api, nouns::people, o.users)},
                             {"application_ids", ids_of(api, nouns::applications, o.applications)}};
    return show(common, nouns::groups, api.post(path_of(nouns::groups, id_of(api, nouns::groups, o.group), "/add-members"), members));
}

int remove(const Common& common, const GroupOptions& o) {
    check_members(o);
    auto api = common.api();
    const auto path = path_of(nouns::groups, id_of(api, nouns::groups, o.group), "/remove-member");
    Json group;
    for (const auto& id : ids_of(api, nouns::people, o.users)) group = api.post(path, JsonObject{{"user_id", id}});
    for (const auto& id : ids_of(api, nouns::applications, o.applications)) group = api.post(path, JsonObject{{"application_id", id}});
    return show(common, nouns::groups, group);
}

}  // namespace

void add_groups(CLI::App& app, Common& common, const Chosen& chosen) {
    auto* groups = add_noun(app, nouns::groups, "Groups of users and applications: list, create, add, remove, delete");
    add_list(*groups, common, chosen, nouns::groups, "Groups of the organization");
    auto make = add_command<GroupOptions>(*groups, common, chosen, "create", "Make a group", create);
    make.needs("NAME", &GroupOptions::group, "1 to 64 letters, digits, blanks and ( ) . _ -");
    make.takes("--description", &GroupOptions::description, "What it is for");
    for (auto command : {add_command<GroupOptions>(*groups, common, chosen, "add", "Add members to a group", add),
                         add_command<GroupOptions>(*groups, common, chosen, "remove", "Take members out of a group", remove)}) {
        command.needs("GROUP", &GroupOptions::group, "Name or id");
        command.takes("--user", &GroupOptions::users, "Name or id of a user; repeatable");
        command.takes("--application", &GroupOptions::applications, "Name or id of an application; repeatable");
    }
    add_delete(*groups, common, chosen, nouns::groups, "Delete a group");
}

}  // namespace meridian::cli
