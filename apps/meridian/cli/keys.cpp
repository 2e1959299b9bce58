#include <fmt/format.h>

#include "base/real/real.h"
#include "base/rng.h"
#include "cli/nouns.h"
#include "database.h"
#include "identity/service.h"
#include "installation.h"
#include "terminal.h"

namespace meridian::cli {
namespace {

struct KeyOptions {
    std::string description, access_key, action, scope, project, application, role, expires;
    // Whether more is asked for than the data directory itself can give.
    [[nodiscard]] bool needs_server() const { return !(project + application + role + expires).empty(); }
};

Json shown(const identity::NewKey& made) {
    return JsonObject{{"access_key", made.key.access_key},
                      {"secret_key", made.secret},
                      {"description", made.key.description},
                      {"organization_id", made.key.organization.str()},
                      {"default_project_id", made.key.default_project.str()}};
}

// Straight into the data directory's store, while no server holds it.
Json create_offline(const Common& common, const std::string& description) {
    real::PosixDisk disk;
    real::WallClock clock;
    real::ThreadPool pool(1);
    SystemRng rng;
    const app::Layout layout(common.data, "");
    if (!app::has_database(disk, layout))
        throw Failure{not_found, fmt::format("There is no Meridian in '{}'.", common.data), "name its directory with --data"};
    auto lock = disk.lock(layout.lock());
    if (!lock) throw Failure{failed, "The data directory is in use: " + lock.error().said, "stop the other process first"};
    auto opened = app::open_database(disk, clock, pool, layout, common.database);
    if (!opened) throw Failure{failed, opened.error().said, "meridian doctor"};
    identity::Identity identity(**opened, clock, rng);
    identity.bootstrap();
    return shown(identity.create_key_now(identity::Role::admin, description));
}

Json create_online(const Common& common, const KeyOptions& o) {
    auto api = common.api();
    JsonObject wish{{"description", o.description}};
    if (!o.application.empty()) wish["application_id"] = id_of(api, nouns::applications, o.application);
    if (!o.project.empty()) wish["default_project_id"] = id_of(api, nouns::projects, o.project);
    if (!o.role.empty()) wish["role"] = o.role;
    if (!o.expires.empty()) wish["expires_at"] = o.expires;
    return api.post(std::string(nouns::keys.path), wish);
}

int create(const Common& common, const KeyOptions& o) {
    Json made;
    try {
        made = create_online(common, o);
    } catch (const Failure& failure) {
        if (failure.exit != unreachable || o.needs_server()) throw;
        made = create_offline(common, o.description);
    }
    if (common.json) return print(made);
    fmt::print("access key  {}\nsecret key  {}   (shown once)\n", field(made, "access_key"), field(made, "secret_key"));
    return ok;
}

// Exit code `ok` when it may; `failed` when it may not.
int may(const Common& common, const KeyOptions& o) {
    auto api = common.api();
    std::string path = "/meridian/v1/permissions/check?action=" + o.action + "&scope=" + o.scope;
    if (!o.access_key.empty()) path += "&access_key=" + o.access_key;
    if (!o.project.empty()) path += "&project_id=" + id_of(api, nouns::projects, o.project);
    const auto answer = api.get(path);
    const bool is_allowed = member(answer, "allowed")->as_bool();
    if (common.json) {
        print(answer);
    } else {
        fmt::print("{}\n", is_allowed ? terminal::accent("yes") : terminal::bold("no"));
        for (const auto& reason : member(answer, "because")->as_array()) fmt::print("  {}\n", view(reason.as_string()));
    }
    return is_allowed ? ok : failed;
}

}  // namespace

void add_keys(CLI::App& app, Common& common, const Chosen& chosen) {
    auto* keys = add_noun(app, nouns::keys, "API keys: list, create, delete, and what they may");
    add_list(*keys, common, chosen, nouns::keys, "Keys that the key may see");
    auto make = add_command<KeyOptions>(*keys, common, chosen, "create",
                                        "Make a key; its secret is shown once. Works without a running server, too", create);
    make.takes("--description", &KeyOptions::description, "What it is for");
    make.takes("--application", &KeyOptions::application, "Its bearer, by name or id; you unless one is named");
    make.takes("--project", &KeyOptions::project, "Its default project, by name or id");
    make.takes("--role", &KeyOptions::role, "What is left to it of its bearer's rights: admin (all), inference or observer");
    make.takes("--expires", &KeyOptions::expires, "When it ends, such as 2027-01-31T00:00:00Z");
    auto ask = add_command<KeyOptions>(*keys, common, chosen, "may",
                                       "Whether a key may do something, and why: meridian keys may create deployments", may);
    ask.needs("ACTION", &KeyOptions::action, "read, create, update, remove, invoke or admin");
    ask.needs("SCOPE", &KeyOptions::scope, "As docs/permissions.md names it");
    ask.takes("--key", &KeyOptions::access_key, "Access key; the one in use unless another is named");
    ask.takes("--project", &KeyOptions::project, "Name or id of a project; anywhere unless one is named");
    add_command<KeyOptions>(*keys, common, chosen, "delete", "Revoke a key", [](const Common& c, const KeyOptions& o) {
        auto api = c.api();
        api.del(path_of(nouns::keys, o.access_key));
        if (!c.json) fmt::print("{} is revoked.\n", o.access_key);
        return int{ok};
    }).needs("ACCESS_KEY", &KeyOptions::access_key, "Access key");
}

}  // namespace meridian::cli
