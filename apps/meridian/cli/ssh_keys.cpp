#include <fmt/format.h>

#include "base/real/real.h"
#include "cli/nouns.h"

namespace meridian::cli {
namespace {

struct SshKeyOptions {
    std::string file, name, project;
};

int add(const Common& common, const SshKeyOptions& o) {
    real::PosixDisk disk;
    const auto text = disk.read_file(o.file);
    if (!text) throw Failure{not_found, fmt::format("'{}' cannot be read.", o.file), "a public key such as ~/.ssh/id_ed25519.pub"};
    auto api = common.api();
    const auto end = text->find_last_not_of(" \t\r\n");
    JsonObject wish{{"name", o.name}, {"public_key", end == std::string::npos ? "" : text->substr(0, end + 1)}};
    if (!o.project.empty()) wish["project_id"] = id_of(api, nouns::projects, o.project);
    return show(common, nouns::ssh_keys, api.post(std::string(nouns::ssh_keys.path), wish));
}

}  // namespace

void add_ssh_keys(CLI::App& app, Common& common, const Chosen& chosen) {
    auto* ssh_keys = add_noun(app, nouns::ssh_keys, "SSH keys of projects: list, add, delete");
    add_list(*ssh_keys, common, chosen, nouns::ssh_keys, "SSH keys that the key may see");
    auto make = add_command<SshKeyOptions>(*ssh_keys, common, chosen, "add", "Add an SSH key to a project", add);
    make.needs("FILE", &SshKeyOptions::file, "The public key: a .pub file");
    make.takes("--name", &SshKeyOptions::name, "Name of the key");
    make.takes("--project", &SshKeyOptions::project, "Name or id of the project; the key's default project unless one is named");
    add_delete(*ssh_keys, common, chosen, nouns::ssh_keys, "Delete an SSH key");
}

}  // namespace meridian::cli
