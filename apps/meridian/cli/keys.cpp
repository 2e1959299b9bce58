#include <fmt/format.h>

#include "base/real/real.h"
#include "base/rng.h"
#include "cli/commands.h"
#include "database.h"
#include "identity/service.h"
#include "installation.h"
#include "terminal.h"

namespace meridian::cli {
namespace {

struct KeyOptions {
    std::string description, access_key, action, scope, project;
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

int create(const Common& common, const KeyOptions& o) {
    Json made;
    try {
        auto api = common.api();
        made = api.post("/iam/v1alpha1/api-keys", JsonObject{{"description", o.description}});
    } catch (const Failure& failure) {
        if (failure.exit != unreachable) throw;
        made = create_offline(common, o.description);
    }
    if (common.json) return print(made);
    fmt::print("access key  {}\nsecret key  {}   (shown once)\n", field(made, "access_key"), field(made, "secret_key"));
    return ok;
}

int list(const Common& common) {
    auto api = common.api();
    const auto answer = api.get("/iam/v1alpha1/api-keys?page_size=100&organization_id=" + api.to().organization);
    if (common.json) return print(answer);
    terminal::Table table({"ACCESS KEY", "DESCRIPTION", "CREATED", "EXPIRES"});
    for (const auto& key : member(answer, "api_keys")->as_array()) {
        table.row({field(key, "access_key"), field(key, "description"), field(key, "created_at"), field(key, "expires_at")});
    }
    fmt::print("{}", table.str());
    return ok;
}

// Exit code `ok` when it may; `failed` when it may not.
int may(const Common& common, const KeyOptions& o) {
    auto api = common.api();
    std::string path = "/meridian/v1/permissions/check?action=" + o.action + "&scope=" + o.scope;
    if (!o.access_key.empty()) path += "&access_key=" + o.access_key;
    if (!o.project.empty()) path += "&project_id=" + o.project;
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
    auto o = std::make_shared<KeyOptions>();
    auto* keys = app.add_subcommand("keys", "API keys: list, create, delete, and what they may");
    keys->require_subcommand(1);
    keys->add_subcommand("list", "Keys of the organization")->callback([&common, chosen] { chosen([&common] { return list(common); }); });
    auto* make = keys->add_subcommand("create", "Make a key; its secret is shown once. Works without a running server, too");
    make->add_option("--description", o->description, "What it is for");
    make->callback([&common, chosen, o] { chosen([&common, o] { return create(common, *o); }); });
    auto* ask = keys->add_subcommand("may", "Whether a key may do something, and why: meridian keys may create deployments");
    ask->add_option("ACTION", o->action, "read, create, update, remove, invoke or admin")->required();
    ask->add_option("SCOPE", o->scope, "As docs/permissions.md names it")->required();
    ask->add_option("--key", o->access_key, "Access key; the one in use unless another is named");
    ask->add_option("--project", o->project, "Id of a project; anywhere unless one is named");
    ask->callback([&common, chosen, o] { chosen([&common, o] { return may(common, *o); }); });
    auto* remove = keys->add_subcommand("delete", "Revoke a key");
    remove->add_option("ACCESS_KEY", o->access_key)->required();
    remove->callback([&common, chosen, o] {
        chosen([&common, o] {
            auto api = common.api();
            api.del("/iam/v1alpha1/api-keys/" + o->access_key);
            if (!common.json) fmt::print("{} is revoked.\n", o->access_key);
            return int{ok};
        });
    });
}

}  // namespace meridian::cli
