#include <fmt/format.h>

#include <filesystem>

#include "cli/commands.h"
#include "terminal.h"

namespace meridian::cli {
namespace {

struct AddOptions {
    std::string path, name, url, upstream_model, key_file, price;
    bool embedding = false;
    int slots = 0, context = 0;
};

int list(const Common& common) {
    auto api = common.api();
    const auto answer = api.get("/meridian/v1/models");
    if (common.json) return print(answer);
    terminal::Table table({"MODEL", "TITLE", "LICENCE", "SIZE", "€/M IN", "€/M OUT", "STATE"});
    for (const std::size_t column : {3, 4, 5}) table.right(column);
    for (const auto& model : member(answer, "models")->as_array()) {
        const auto bytes = static_cast<std::uint64_t>(number(model, "size_bytes"));
        table.row({field(model, "name"), field(model, "title"), field(model, "licence"), bytes ? terminal::bytes(bytes) : "-",
                   field(model, "input_per_million"), field(model, "output_per_million"), field(model, "state")});
    }
    fmt::print("{}", table.str());
    return ok;
}

void add_price(JsonObject& body, const AddOptions& o) {
    if (o.price.empty()) return;
    const auto comma = o.price.find(',');
    if (comma == std::string::npos)
        throw Failure{usage, "--price takes two numbers: IN,OUT in euros for a million tokens.", "--price 0.15,0.60"};
    body["input_per_million"] = o.price.substr(0, comma);
    body["output_per_million"] = o.price.substr(comma + 1);
}

int add_file(const Common& common, const AddOptions& o) {
    JsonObject body{{"path", std::filesystem::absolute(o.path).string()}, {"name", o.name}, {"embedding", o.embedding}};
    if (o.slots > 0) body["slots"] = o.slots;
    if (o.context > 0) body["context"] = o.context;
    add_price(body, o);
    auto api = common.api();
    const auto made = api.post("/meridian/v1/models", body);
    if (common.json) return print(made);
    fmt::print("{} is in the catalogue. Deploy it with: meridian deploy {} --wait\n", o.name, o.name);
    return ok;
}

int add_url(const Common& common, const AddOptions& o) {
    JsonObject body{{"url", o.url}, {"name", o.name}, {"upstream_model", o.upstream_model.empty() ? o.name : o.upstream_model}};
    if (!o.key_file.empty()) body["key_file"] = std::filesystem::absolute(o.key_file).string();
    add_price(body, o);
    auto api = common.api();
    const auto made = api.post("/meridian/v1/models", body);
    if (common.json) return print(made);
    fmt::print("{} answers through {}. Its runs leave this installation: receipts mark them as external.\n", o.name, o.url);
    return ok;
}

}  // namespace

void add_models(CLI::App& app, Common& common, const Chosen& chosen) {
    auto* models = app.add_subcommand("models", "The model catalogue: list, add a file or an endpoint, remove");
    models->require_subcommand(1);
    models->add_subcommand("list", "Models of the catalogue")->callback([&common, chosen] { chosen([&common] { return list(common); }); });

    auto options = std::make_shared<AddOptions>();
    auto* add = models->add_subcommand("add", "Add a GGUF file of this host under a name");
    add->add_option("FILE", options->path, "The GGUF file")->required()->check(CLI::ExistingFile);
    add->add_option("--name", options->name, "The name clients will use")->required();
    add->add_flag("--embedding", options->embedding, "It makes embeddings, not text");
    add->add_option("--slots", options->slots, "Requests a replica answers at once")->check(CLI::Range(1, 256));
    add->add_option("--context", options->context, "Tokens of context a slot gets")->check(CLI::Range(64, 1 << 22));
    add->add_option("--price", options->price, "IN,OUT in euros for a million tokens");
    add->callback([&common, chosen, options] { chosen([&common, options] { return add_file(common, *options); }); });

    auto* url = models->add_subcommand("add-url", "Add an OpenAI-compatible endpoint; several under one name fail over");
    url->add_option("URL", options->url, "Base URL, with /v1")->required();
    url->add_option("--name", options->name, "The name clients will use")->required();
    url->add_option("--upstream-model", options->upstream_model, "The name the endpoint knows it by (default: the same)");
    url->add_option("--key-file", options->key_file, "File with the endpoint's key; kept sealed")->check(CLI::ExistingFile);
    url->add_option("--price", options->price, "IN,OUT: euros for a million tokens");
    url->callback([&common, chosen, options] { chosen([&common, options] { return add_url(common, *options); }); });

    auto name = std::make_shared<std::string>();
    auto* remove = models->add_subcommand("remove", "Take a model out of the catalogue");
    remove->add_option("NAME", *name)->required();
    remove->callback([&common, chosen, name] {
        chosen([&common, name] {
            auto api = common.api();
            api.del("/meridian/v1/models/" + *name);
            if (!common.json) fmt::print("{} is out of the catalogue.\n", *name);
            return int{ok};
        });
    });
}

}  // namespace meridian::cli
