#include "cli/nouns.h"

namespace meridian::cli {
namespace {

struct ApplicationOptions {
    std::string name, description;
};

int create(const Common& common, const ApplicationOptions& o) {
    auto api = common.api();
    return show(common, nouns::applications,
                api.post(std::string(nouns::applications.path), JsonObject{{"name", o.name}, {"description", o.description}}));
}

}  // namespace

void add_applications(CLI::App& app, Common& common, const Chosen& chosen) {
    auto* applications = add_noun(app, nouns::applications, "Applications, which have keys as people do: list, create, delete");
    add_list(*applications, common, chosen, nouns::applications, "Applications of the organization");
    auto make = add_command<ApplicationOptions>(*applications, common, chosen, "create", "Make an application", create);
    make.needs("NAME", &ApplicationOptions::name, "1 to 64 letters, digits, blanks and ( ) . _ -");
    make.takes("--description", &ApplicationOptions::description, "What it is for");
    add_delete(*applications, common, chosen, nouns::applications, "Delete an application, with all keys");
}

}  // namespace meridian::cli
