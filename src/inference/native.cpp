// What no other API has: the catalogue with licences and prices, adding files and endpoints, progress and runtime logs.
#include <fmt/format.h>

#include "http/typed.h"
#include "inference/api.h"

namespace meridian::inference {
namespace {

using http::Call;
using http::Dialect;
using http::doc;
using http::Nothing;
using http::Permission;

constexpr std::size_t log_tail = 256 * 1024;

}  // namespace

struct AddModel {
    std::string name;
    std::optional<std::string> path, url, upstream_model, key_file, input_per_million, output_per_million;
    std::optional<Uuid> key_secret;
    bool embedding = false;
    std::optional<std::uint32_t> slots, context;
};
constexpr auto describe(As<AddModel>) {
    using A = AddModel;
    return fields(field("name", &A::name, length{1, limits::name}), field("path", &A::path), field("url", &A::url),
                  field("upstream_model", &A::upstream_model), field("key_file", &A::key_file), field("key_secret", &A::key_secret),
                  field("input_per_million", &A::input_per_million), field("output_per_million", &A::output_per_million),
                  field("embedding", &A::embedding, defaulted), field("slots", &A::slots, range{1, 256}),
                  field("context", &A::context, range{64, 1 << 22}));
}

namespace {

std::optional<Money> price_in(const char* field_name, const std::optional<std::string>& text) {
    if (!text) return std::nullopt;
    const auto price = Money::parse(*text);
    if (!price || *price < Money()) {
        throw Error(Fault::invalid, fmt::format("'{}' must be an amount of euros such as 0.15.", field_name))
            .with({field_name, FieldProblem::Reason::format, "an amount of euros"});
    }
    return price;
}

class Api {
public:
    Api(Deployments& deployments, catalog::Catalog& catalog, store::ContentStore& content, store::Store& store, Disk& disk,
        SecretOf secret_of)
        : deployments_(deployments), catalog_(catalog), content_(content), store_(store), disk_(disk), secret_of_(std::move(secret_of)) {}

    Json models(const Call<>& call) {
        const auto caller = call.caller_as<identity::Caller>();
        JsonArray out;
        for (const auto& model : catalog_.models(caller.project)) out.push_back(view(model));
        return JsonObject{{"models", std::move(out)}};
    }

    Task<Json> add(Call<AddModel> call) {
        const auto author = identity::author_of(call.caller_as<identity::Caller>());
        const auto& in = call.in;
        if (in.path.has_value() == in.url.has_value()) {
            throw Error(Fault::invalid, "Give either 'path' (a GGUF file on this host) or 'url' (an OpenAI-compatible endpoint).")
                .with({"path", FieldProblem::Reason::required, "path or url"});
        }
        if (in.path) {
            co_return view(co_await catalog_.add_file({.path = *in.path,
                                                       .name = in.name,
                                                       .embedding = in.embedding,
                                                       .slots = in.slots,
                                                       .context = in.context,
                                                       .project = std::nullopt,
                                                       .input_per_million = price_in("input_per_million", in.input_per_million),
                                                       .output_per_million = price_in("output_per_million", in.output_per_million)},
                                                      author));
        }
        catalog::AddUrl what{.url = *in.url,
                             .name = in.name,
                             .upstream_model = in.upstream_model.value_or(in.name),
                             .key = {},
                             .input_per_million = price_in("input_per_million", in.input_per_million),
                             .output_per_million = price_in("output_per_million", in.output_per_million)};
        if (in.key_file && in.key_secret)
            throw Error(Fault::invalid, "Give the endpoint's key as 'key_file' or as 'key_secret', not both.")
                .with({"key_secret", FieldProblem::Reason::constraint, "key_file or key_secret"});
        if (in.key_file) what.key = co_await key_from(*in.key_file);
        if (in.key_secret) what.key = trimmed(co_await secret_of_(call.caller_as<identity::Caller>(), *in.key_secret));
        co_return view(co_await catalog_.add_url(std::move(what), author));
    }

    Task<http::NoContent> remove(Call<> call) {
        const auto model = catalog_.find(std::string_view(call.param("name")));
        if (!model) throw Error(Fault::not_found, "There is no model of that name in the catalogue.").about("model", call.param("name"));
        for (const auto& d : co_await deployments_.list(call.caller_as<identity::Caller>())) {
            if (d.model == model->id) {
                throw Error(Fault::precondition, "The model is deployed; delete its deployments first.", d.id.str())
                    .about("model", model->name);
            }
        }
        co_await catalog_.remove(model->id, identity::author_of(call.caller_as<identity::Caller>()));
        co_return http::NoContent{};
    }

    Task<Json> progress(Call<> call) {
        const auto d = co_await deployments_.get(call.caller_as<identity::Caller>(), http::id_param<DeploymentId>(call, "deployment_id"));
        const auto phase = deployments_.phases().of(d.id);
        co_return JsonObject{{"status", name(d.state)},
                             {"phase", phase.name},
                             {"bytes_done", phase.done},
                             {"bytes_total", phase.total},
                             {"placed_because", d.placed_because}};
    }

    // The runtime's log is content of the project: it is read through the project's handle.
    Task<http::Bytes> logs(Call<> call) {
        const auto d = co_await deployments_.get(call.caller_as<identity::Caller>(), http::id_param<DeploymentId>(call, "deployment_id"));
        const auto zone = deployments_.zone().str();
        auto text = co_await store_.read([this, d, zone](store::Tx& tx) {
            std::string out;
            for (const auto& row : tx.query("select id from replicas where deployment_id = $1 order by created_at", d.id)) {
                const auto id = row.get<std::string>("id");
                out += fmt::format("== replica {}\n", id);
                const auto file = disk_.read_file(content_.path_for(store::ContentHandle(d.project, zone), "replicas/" + id + "/log"));
                if (file) out += file->size() > log_tail ? file->substr(file->size() - log_tail) : *file;
            }
            return out;
        });
        co_return http::Bytes{"text/plain; charset=utf-8", "", std::move(text)};
    }

private:
    static std::string trimmed(std::string key) {
        while (!key.empty() && std::isspace(static_cast<unsigned char>(key.back())) != 0) key.pop_back();
        return key;
    }
    Task<std::string> key_from(std::string path) {
        auto text = co_await on(store_.pool(), [this, path] { return disk_.read_file(path); });
        if (!text)
            throw Error(Fault::invalid, "The key file cannot be read: " + text.error().said)
                .with({"key_file", FieldProblem::Reason::constraint, "readable file"});
        co_return trimmed(*std::move(text));
    }

    [[nodiscard]] Json view(const catalog::Model& m) const {
        JsonArray capabilities, upstreams;
        for (const auto capability : m.capabilities) capabilities.emplace_back(catalog::name(capability));
        for (const auto& upstream : m.upstreams)
            upstreams.push_back(JsonObject{{"url", upstream.url}, {"upstream_model", upstream.upstream_model}});
        return JsonObject{{"id", m.id.str()},
                          {"name", m.name},
                          {"title", m.title},
                          {"description", m.description},
                          {"licence", m.licence},
                          {"family", m.family},
                          {"capabilities", std::move(capabilities)},
                          {"upstreams", std::move(upstreams)},
                          {"external", m.is_upstream()},
                          {"parameters", m.parameters},
                          {"quantization_bits", m.quantization_bits},
                          {"context", m.context_default},
                          {"context_max", m.context_max},
                          {"slots", m.slots_default},
                          {"size_bytes", m.bytes()},
                          {"digest", m.artifacts.empty() ? "" : "sha256:" + hex(m.artifacts.front().digest)},
                          {"input_per_million", m.input_per_million.str()},
                          {"output_per_million", m.output_per_million.str()},
                          {"state", m.is_upstream()        ? "external"
                                    : catalog_.is_local(m) ? "local"
                                                           : "in its registry"}};
    }

    Deployments& deployments_;
    catalog::Catalog& catalog_;
    store::ContentStore& content_;
    store::Store& store_;
    Disk& disk_;
    SecretOf secret_of_;
};

}  // namespace

void add_native_routes(http::Router& router, Deployments& deployments, catalog::Catalog& catalog, store::ContentStore& content,
                       store::Store& store, Disk& disk, SecretOf secret_of) {
    auto api = std::make_shared<Api>(deployments, catalog, content, store, disk, std::move(secret_of));
    const auto m = Dialect::meridian;
    router.add(http::typed<Nothing, Json>("GET", "/meridian/v1/models", Permission{"read", "models"}, m,
                                          doc("ListCatalogModels", "The catalogue with licences and prices", "models"),
                                          [api](Call<> c) { return api->models(c); }));
    router.add(http::typed<AddModel, Json>("POST", "/meridian/v1/models", Permission{"create", "models"}, m,
                                           doc("AddModel", "Add a file or an endpoint", "models"),
                                           [api](Call<AddModel> c) { return api->add(std::move(c)); }));
    router.add(http::typed<Nothing, http::NoContent>("DELETE", "/meridian/v1/models/{name...}", Permission{"remove", "models"}, m,
                                                     doc("RemoveModel", "Take a model out of the catalogue", "models"),
                                                     [api](Call<> c) { return api->remove(std::move(c)); }));
    router.add(http::typed<Nothing, Json>("GET", "/meridian/v1/deployments/{deployment_id}/progress", Permission{"read", "deployments"}, m,
                                          doc("GetDeploymentProgress", "What a deployment is doing, in words", "deployments"),
                                          [api](Call<> c) { return api->progress(std::move(c)); }));
    router.add(http::typed<Nothing, http::Bytes>("GET", "/meridian/v1/deployments/{deployment_id}/logs", Permission{"read", "deployments"},
                                                 m, doc("GetDeploymentLogs", "The runtime's log", "deployments"),
                                                 [api](Call<> c) { return api->logs(std::move(c)); }));
}

}  // namespace meridian::inference
