#include "cli/nouns.h"

namespace meridian::cli {
namespace {

struct ProjectOptions {
    std::string which, name, description;
};

int create(const Common& common, const ProjectOptions& o) {
    auto api = common.api();
    return show(common, nouns::projects,
                api.post(std::string(nouns::projects.path), JsonObject{{"name", o.name}, {"description", o.description}}));
}

int rename(const Common& common, const ProjectOptions& o) {
    auto api = common.api();
    return show(common, nouns::projects,
                api.patch(path_of(nouns::projects, id_of(api, nouns::projects, o.which)), JsonObject{{"name", o.name}}));
}

}  // namespace

void add_projects(CLI::App& app, Common& common, const Chosen& chosen) {
    auto* projects = add_noun(app, nouns::projects, "Projects: list, create, rename, delete");
    add_list(*projects, common, chosen, nouns::projects, "Projects that the key may see");
    auto make = add_command<ProjectOptions>(*projects, common, chosen, "create", "Make a project", create);
    make.needs("NAME", &ProjectOptions::name, "1 to 64 characters");
    make.takes("--description", &ProjectOptions::description, "What it is for");
    auto change = add_command<ProjectOptions>(*projects, common, chosen, "rename", "Give a project another name", rename);
    change.needs("PROJECT", &ProjectOptions::which, "Name or id");
    change.needs("NAME", &ProjectOptions::name, "The new name");
    add_delete(*projects, common, chosen, nouns::projects, "Delete a project with nothing in it");
}

}  // namespace meridian::cli
