#include "catalog/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "catalog/flights.h"
#include "catalog/import.h"
#include "catalog/names.h"
#include "catalog/package.h"
#include "catalog/store.h"
#include "http/client.h"
#include "store/follower.h"

namespace meridian::catalog {
namespace {

constexpr std::size_t upstreams_max = 16;
constexpr std::size_t url_max = 2048;
constexpr std::size_t key_max = 8192;

struct Table {
    std::vector<Model> models;  // by name
    std::map<std::string, std::size_t, std::less<>> by_name;
    std::unordered_map<ModelId, std::size_t> by_id;
};

Table read_table(store::Tx& tx) {
    Table table;
    for (auto& stored : all_models(tx)) {
        table.by_name[stored.model.name] = table.models.size();
        table.by_id[stored.model.id] = table.models.size();
        table.models.push_back(std::move(stored.model));
    }
    return table;
}

// Bound to the URL: a row changed by hand cannot make us send a key to another place.
std::string seal_context(std::string_view url) { return "upstream-key/" + std::string(url); }

[[noreturn]] void refuse(std::string_view field, std::string help) {
    throw Error(Fault::invalid, help).with({.name = std::string(field), .reason = FieldProblem::Reason::constraint, .help = help});
}

void check_name(std::string_view name) {
    if (!is_model_name(name)) {
        refuse("name", fmt::format("A model's name has letters, digits and . _ - : / only, at most {}, and begins with a letter or digit.",
                                   model_name_max));
    }
}

AddUrl checked(AddUrl what) {
    check_name(what.name);
    while (what.url.ends_with('/')) what.url.pop_back();
    const auto parsed = what.url.size() <= url_max ? http::parse_url(what.url) : std::nullopt;
    if (!parsed || what.url.find_first_of("?#") != std::string::npos) {
        refuse("url", "The upstream's URL must look like https://host/v1, without query or fragment.");
    }
    if (what.upstream_model.empty()) what.upstream_model = what.name;
    if (what.upstream_model.size() > url_max) refuse("upstream_model", "The upstream's name for the model is too long.");
    if (what.key.size() > key_max || what.key.find_first_of("\r\n") != std::string::npos)
        refuse("key", "The key must be one line of at most 8192 bytes.");
    for (const auto& price : {what.input_per_million, what.output_per_million}) {
        if (price && *price < Money()) refuse("price", "A price cannot be negative.");
    }
    return what;
}

[[noreturn]] void name_taken(const Model& model) {
    throw Error(Fault::conflict,
                fmt::format("There is already another model named '{}'. Choose another name, or remove that one first.", model.name))
        .with_code("model_exists")
        .about("model", model.id.str());
}

Model put_file(store::Tx& tx, Model planned, Timestamp now, Rng& rng) {
    planned.created_at = planned.updated_at = now;
    auto there = find_model(tx, planned.name);
    if (!there) {
        planned.id = ModelId::random(rng);
        insert_model(tx, {planned, Origin::file});
        return planned;
    }
    const bool is_same = there->origin == Origin::file && there->model.project == planned.project && there->model.artifacts.size() == 1 &&
                         there->model.artifacts.front().digest == planned.artifacts.front().digest;
    if (!is_same) name_taken(there->model);
    planned.id = there->model.id;
    planned.created_at = there->model.created_at;
    there->model = planned;
    update_model(tx, *std::move(there));
    return planned;
}

// What an upstream can do is its own affair: everything is passed on, and its refusal comes back.
StoredModel new_upstream_model(const AddUrl& what, Timestamp now, Rng& rng) {
    Model model;
    model.id = ModelId::random(rng);
    model.name = what.name;
    model.title = what.name;
    model.description = "Answered by an upstream endpoint.";
    model.licence = "unknown";
    model.capabilities = {Capability::chat,  Capability::completion,  Capability::embedding,
                          Capability::tools, Capability::json_schema, Capability::vision};
    model.created_at = now;
    return {std::move(model), Origin::url};
}

Model put_url(store::Tx& tx, const AddUrl& what, Upstream upstream, Timestamp now, Rng& rng) {
    auto there = find_model(tx, what.name);
    if (there && there->origin != Origin::url) name_taken(there->model);
    StoredModel stored = there ? *there : new_upstream_model(what, now, rng);
    Model& model = stored.model;
    const auto same = std::ranges::find_if(
        model.upstreams, [&](const Upstream& u) { return u.url == upstream.url && u.upstream_model == upstream.upstream_model; });
    if (same != model.upstreams.end()) {
        *same = std::move(upstream);
    } else {
        if (model.upstreams.size() == upstreams_max) refuse("name", fmt::format("A model has at most {} upstreams.", upstreams_max));
        model.upstreams.push_back(std::move(upstream));
    }
    model.input_per_million = what.input_per_million.value_or(model.input_per_million);
    model.output_per_million = what.output_per_million.value_or(model.output_per_million);
    model.updated_at = now;
    if (there) {
        update_model(tx, stored);
    } else {
        insert_model(tx, stored);
    }
    return model;
}

// Digests that no other model uses.
std::vector<Sha256> take_out(store::Tx& tx, const ModelId& id) {
    const auto stored = find_model(tx, id);
    if (!stored) throw Error(Fault::not_found, "There is no such model.").about("model", id.str());
    const Model& model = stored->model;
    if (stored->origin == Origin::shipped) {
        throw Error(
            Fault::precondition,
            fmt::format("The model '{}' comes with the program and stays in the catalogue; delete its deployments instead.", model.name));
    }
    try {
        remove_model(tx, id);
    } catch (const Error& e) {
        if (e.fault != Fault::conflict) throw;
        throw Error(Fault::conflict, fmt::format("The model '{}' is deployed. Delete its deployments first.", model.name), e.logged)
            .about("model", id.str());
    }
    std::vector<Sha256> orphans;
    for (const auto& artifact : model.artifacts) orphans.push_back(artifact.digest);
    for (const auto& other : all_models(tx)) {
        for (const auto& artifact : other.model.artifacts) std::erase(orphans, artifact.digest);
    }
    return orphans;
}

}  // namespace

struct Catalog::State {
    store::Store& store;
    store::ArtifactStore& artifacts;
    Clock& clock;
    Rng& rng;
    Pool& pool;
    const keys::SealingKey& sealing;
    Disk& disk;
    std::string shipped;
    store::Follower<Table> table;
    Flights flights;

    void merge(const std::vector<Model>& models);
    void fetch(const Model& model, const Artifact& artifact, const Flights::Tell& tell, const std::atomic<bool>& stop);
    void recopy(const Model& model, const Artifact& artifact, const Flights::Tell& tell);
    void check_room(const Model& model, const Artifact& artifact);
    Task<> refresh() {
        return on(pool, [this] { table.refresh(); });
    }
};

Catalog::Catalog(store::Store& store, store::ArtifactStore& artifacts, Clock& clock, Rng& rng, Pool& pool, const keys::SealingKey& sealing,
                 Disk& disk, std::string shipped)
    : state_(new State{
          store, artifacts, clock, rng, pool, sealing, disk, std::move(shipped), {store, {"models"}, read_table}, {pool, clock}}) {}

Catalog::~Catalog() = default;

void Catalog::load() {
    const auto models = parse_models_yaml(state_->shipped);
    if (!models) throw Error(Fault::invalid, "The catalogue cannot be read: " + models.error().said);
    state_->merge(*models);
    state_->table.refresh();
}

// Models that no longer ship stay: deployments may use them, and receipts name them.
void Catalog::State::merge(const std::vector<Model>& models) {
    store.write_now([&](store::Tx& tx) {
        for (Model model : models) {
            auto there = find_model(tx, model.name);
            model.created_at = there ? there->model.created_at : clock.now();
            model.updated_at = clock.now();
            if (!there) {
                insert_model(tx, {model, Origin::shipped});
            } else if (there->origin != Origin::shipped) {
                log::warn("catalog", "the shipped model '{}' is hidden by one of yours with that name", model.name);
            } else if (!says_the_same(there->model, model)) {
                model.id = there->model.id;
                there->model = model;
                update_model(tx, *std::move(there));
            }
        }
    });
}

void Catalog::follow(Executor executor) { state_->table.follow(std::move(executor)); }
void Catalog::stop() { state_->flights.stop(); }

std::vector<Model> Catalog::models(const std::optional<ProjectId>& project) const {
    const auto table = state_->table.now();
    std::vector<Model> visible;
    std::ranges::copy_if(table->models, std::back_inserter(visible), [&](const Model& m) { return !m.project || m.project == project; });
    return visible;
}

std::optional<Model> Catalog::find(std::string_view name) const {
    const auto table = state_->table.now();
    const auto it = table->by_name.find(name);
    if (it == table->by_name.end()) return std::nullopt;
    return table->models[it->second];
}

std::optional<Model> Catalog::find(ModelId id) const {
    const auto table = state_->table.now();
    const auto it = table->by_id.find(id);
    if (it == table->by_id.end()) return std::nullopt;
    return table->models[it->second];
}

Task<Model> Catalog::add_file(AddFile what, store::Author by) {
    check_name(what.name);
    State& s = *state_;
    Model planned = co_await on(s.pool, [&s, &what] { return planned_from(what, read_facts(s.disk, what.path)); });
    planned.artifacts.push_back(co_await on(s.pool, [&s, &what] {
        Artifact artifact{.name = file_name_of(what.path),
                          .digest = copy_in(s.disk, s.artifacts, what.path, nullptr, {}),
                          .source = FileSource{what.path}};
        artifact.bytes = s.artifacts.size(artifact.digest);
        return artifact;
    }));
    Model made = co_await s.store.write(by, [&s, planned](store::Tx& tx) { return put_file(tx, planned, s.clock.now(), s.rng); });
    co_await s.refresh();
    co_return made;
}

Task<Model> Catalog::add_url(AddUrl what, store::Author by) {
    what = checked(std::move(what));
    State& s = *state_;
    Upstream upstream{.url = what.url, .upstream_model = what.upstream_model, .sealed_key = {}};
    if (!what.key.empty()) upstream.sealed_key = base64(s.sealing.seal(what.key, seal_context(what.url), s.rng));
    what.key.clear();
    Model made =
        co_await s.store.write(by, [&s, what, upstream](store::Tx& tx) { return put_url(tx, what, upstream, s.clock.now(), s.rng); });
    co_await s.refresh();
    co_return made;
}

Task<> Catalog::remove(ModelId id, store::Author by) {
    State& s = *state_;
    const auto orphans = co_await s.store.write(by, [id](store::Tx& tx) { return take_out(tx, id); });
    co_await s.refresh();
    // A file of the same bytes that is being added at this moment loses its copy; ensure_local brings it back.
    co_await on(s.pool, [&s, orphans] {
        for (const auto& digest : orphans) s.artifacts.remove(digest);
    });
}

std::string Catalog::upstream_key(const Upstream& upstream) const {
    if (upstream.sealed_key.empty()) return {};
    const auto sealed = unbase64(upstream.sealed_key);
    auto key = sealed ? state_->sealing.open(*sealed, seal_context(upstream.url)) : complaint("it is not base64");
    if (!key) {
        throw Error(Fault::unavailable, "The key of an upstream cannot be opened on this installation. Give it again with add-url.",
                    fmt::format("{}: {}", upstream.url, key.error().said));
    }
    return *std::move(key);
}

bool Catalog::is_local(const Model& model) const {
    return std::ranges::all_of(model.artifacts, [&](const Artifact& a) { return state_->artifacts.has(a.digest); });
}

void Catalog::State::check_room(const Model& model, const Artifact& artifact) {
    auto directory = artifacts.path(artifact.digest);
    for (int up = 0; up < 2; ++up) directory.resize(directory.find_last_of('/'));  // the digest's own folder may not be there yet
    const auto free = disk.free_bytes(directory);
    // Where the store is not there yet either, writing will tell.
    if (free && *free < artifact.bytes) {
        throw Error(Fault::unavailable,
                    fmt::format("The model '{}' needs {} MB and the data disk has {} MB left. Free some space and try again.", model.name,
                                artifact.bytes / 1'000'000, *free / 1'000'000))
            .with_code("disk_full");
    }
}

// The store has lost the operator's file; where it came from may still be there.
void Catalog::State::recopy(const Model& model, const Artifact& artifact, const Flights::Tell& tell) {
    const auto& path = std::get<FileSource>(artifact.source).path;
    try {
        copy_in(disk, artifacts, path, &artifact.digest,
                [&](std::uint64_t done, std::uint64_t total) { tell({Phase::fetching, done, total}); });
    } catch (const Error& e) {
        if (e.fault != Fault::not_found) throw;
        throw Error(Fault::unavailable,
                    fmt::format("The file of the model '{}' is lost, and {}, where it came from, is gone. Put that file back, or restore "
                                "the artifacts from a backup.",
                                model.name, path))
            .with_code("file_gone");
    }
}

void Catalog::State::fetch(const Model& model, const Artifact& artifact, const Flights::Tell& tell, const std::atomic<bool>& stop) {
    if (artifacts.has(artifact.digest)) return;
    check_room(model, artifact);
    if (const auto* package = std::get_if<PackageSource>(&artifact.source)) {
        fetch_package({.source = *package, .artifact = artifact, .artifacts = artifacts, .progress = tell, .stop = stop});
    } else {
        recopy(model, artifact, tell);
    }
}

Task<std::string> Catalog::ensure_local(Model model, std::function<void(Progress)> progress) {
    State& s = *state_;
    if (model.artifacts.empty())
        throw Error(Fault::precondition, fmt::format("The model '{}' is answered by an upstream; it has no file.", model.name));
    for (const auto& artifact : model.artifacts) {
        co_await s.flights.join(
            artifact.digest,
            [&s, model, artifact](const Flights::Tell& tell, const std::atomic<bool>& stop) { s.fetch(model, artifact, tell, stop); },
            progress);
    }
    if (progress) progress({Phase::ready, model.bytes(), model.bytes()});
    co_return s.artifacts.path(model.artifacts.front().digest);
}

Task<> Catalog::verify(Model model) {
    State& s = *state_;
    co_await on(s.pool, [&s, model] {
        for (const auto& artifact : model.artifacts) {
            if (!s.artifacts.has(artifact.digest) || s.artifacts.check(artifact.digest)) continue;
            s.artifacts.remove(artifact.digest);
            throw Error(Fault::unavailable, fmt::format("The stored file of '{}' no longer has the digest of the catalogue (the disk "
                                                        "changed it); it was removed. Deploy again to "
                                                        "fetch it anew, or add the file again.",
                                                        model.name))
                .with_code("digest_mismatch");
        }
    });
}

}  // namespace meridian::catalog
