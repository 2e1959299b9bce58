#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "cli/commands.h"
#include "terminal.h"

namespace meridian::cli {
namespace {

struct DeployOptions {
    std::string model, name, node_type, quote;
    int size = 1, max_size = 0;
    bool open = false, wait = false;
};

std::string deployments(const Api& api) { return "/inference/v1/regions/" + api.to().region + "/deployments"; }

Json model_named(Api& api, const std::string& name) {
    const auto all = api.get("/meridian/v1/models");
    for (const auto& model : member(all, "models")->as_array()) {
        if (field(model, "name") == name || field(model, "id") == name) return model;
    }
    throw Failure{not_found, fmt::format("There is no model '{}' in the catalogue.", name), "meridian models list"};
}

Json wait_until_ready(Api& api, Json deployment, bool quiet) {
    terminal::ProgressLine line;
    const auto id = field(deployment, "id");
    while (field(deployment, "status") != "ready") {
        if (field(deployment, "status") == "locked")
            throw Failure{failed, "The deployment waits for money: " + field(deployment, "error_message"),
                          "raise the budget; it goes on by itself"};
        if (field(deployment, "status") == "error") {
            throw Failure{failed, "The deployment failed: " + field(deployment, "error_message"), "meridian logs " + id};
        }
        const auto progress = api.get("/meridian/v1/deployments/" + id + "/progress");
        const auto phase = field(progress, "phase");
        if (!quiet)
            line.show(phase.empty() ? field(deployment, "status") : phase, static_cast<std::uint64_t>(number(progress, "bytes_done")),
                      static_cast<std::uint64_t>(number(progress, "bytes_total")));
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        deployment = api.get(deployments(api) + "/" + id);
    }
    if (!quiet) line.finish(field(deployment, "model_name") + " is ready");
    return deployment;
}

int deploy(const Common& common, const DeployOptions& o) {
    auto api = common.api();
    const auto model = model_named(api, o.model);
    JsonObject wish{{"name", o.name.empty() ? o.model : o.name},
                    {"model_id", field(model, "id")},
                    {"node_type_name", o.node_type},
                    {"min_size", o.size},
                    {"max_size", std::max(o.size, o.max_size)},
                    {"tags", JsonArray()},
                    {"endpoints", JsonArray{JsonObject{{"public_network", JsonObject()}, {"disable_auth", o.open}}}}};
    if (!api.to().project.empty()) wish["project_id"] = api.to().project;
    auto deployment = api.post(deployments(api), wish, o.quote);
    if (o.wait) deployment = wait_until_ready(api, std::move(deployment), common.json);
    if (common.json) return print(deployment);
    fmt::print("{}  {}  {}\n", field(deployment, "id"), field(deployment, "model_name"), field(deployment, "status"));
    return ok;
}

}  // namespace

void add_deploy(CLI::App& app, Common& common, const Chosen& chosen) {
    auto o = std::make_shared<DeployOptions>();
    auto* command = app.add_subcommand("deploy", "Deploy a model of the catalogue");
    command->add_option("MODEL", o->model, "Name or id")->required();
    command->add_option("--name", o->name, "Name of the deployment (default: the model's)");
    command->add_option("--node-type", o->node_type, "Node type (default: the smallest that holds it)");
    command->add_option("--size", o->size, "Replicas")->check(CLI::Range(1, 50));
    command->add_option("--max-size", o->max_size, "Replicas under load (default: as --size)")->check(CLI::Range(1, 50));
    command->add_option("--quote", o->quote, "A quote of `quote deployment`: the deployment costs what it says for its hours");
    command->add_flag("--open", o->open, "Its endpoint needs no key: whoever reaches it is answered, at the project's cost");
    command->add_flag("--wait", o->wait, "Return when it answers");
    command->callback([&common, chosen, o] { chosen([&common, o] { return deploy(common, *o); }); });

    auto id = std::make_shared<std::string>();
    auto* remove = app.add_subcommand("undeploy", "Delete a deployment");
    remove->add_option("ID", *id, "The deployment's id")->required();
    remove->callback([&common, chosen, id] {
        chosen([&common, id] {
            auto api = common.api();
            const auto gone = api.del(deployments(api) + "/" + *id);
            if (common.json) return print(gone);
            fmt::print("deleting {}\n", *id);
            return int{ok};
        });
    });

    auto* logs = app.add_subcommand("logs", "The runtime's log of a deployment");
    logs->add_option("ID", *id, "The deployment's id")->required();
    logs->callback([&common, chosen, id] {
        chosen([&common, id] {
            auto api = common.api();
            fmt::print("{}", api.text("/meridian/v1/deployments/" + *id + "/logs"));
            return int{ok};
        });
    });
}

}  // namespace meridian::cli
