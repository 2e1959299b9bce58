#include "catalog/store.h"

#include <string>
#include <utility>

#include "base/error.h"
#include "catalog/names.h"
#include "resource/fields.h"
#include "resource/sql_bind.h"

namespace meridian::catalog {

constexpr auto names(As<Origin>) { return words<Origin>({{Origin::shipped, "shipped"}, {Origin::file, "file"}, {Origin::url, "url"}}); }

constexpr auto describe(As<PackageSource>) {
    return fields(field("registry", &PackageSource::registry), field("package", &PackageSource::package),
                  field("version", &PackageSource::version), field("archive_sha256", &PackageSource::archive_sha256),
                  field("member", &PackageSource::member), field("convert", &PackageSource::convert));
}

constexpr auto describe(As<Upstream>) {
    return fields(field("url", &Upstream::url), field("upstream_model", &Upstream::upstream_model),
                  field("sealed_key", &Upstream::sealed_key));
}

namespace {

// An artifact as it is stored: one of `package` and `file`.
struct ArtifactForm {
    std::string name, sha256;
    std::uint64_t bytes = 0;
    std::optional<PackageSource> package;
    std::optional<std::string> file;
};

constexpr auto describe(As<ArtifactForm>) {
    return fields(field("name", &ArtifactForm::name), field("sha256", &ArtifactForm::sha256), field("bytes", &ArtifactForm::bytes),
                  field("package", &ArtifactForm::package), field("file", &ArtifactForm::file));
}

// What nobody searches by.
struct Document {
    std::vector<Capability> capabilities;
    std::vector<ArtifactForm> artifacts;
    std::vector<Upstream> upstreams;
    std::uint64_t parameters = 0;
    std::uint32_t quantization_bits = 0, context_max = 0, context_default = 0, slots_default = 0;
    Money input_per_million, output_per_million;
};

constexpr auto describe(As<Document>) {
    return fields(field("capabilities", &Document::capabilities), field("artifacts", &Document::artifacts),
                  field("upstreams", &Document::upstreams), field("parameters", &Document::parameters),
                  field("quantization_bits", &Document::quantization_bits), field("context_max", &Document::context_max),
                  field("context_default", &Document::context_default), field("slots_default", &Document::slots_default),
                  field("input_per_million", &Document::input_per_million), field("output_per_million", &Document::output_per_million));
}

struct ModelRow {
    ModelId id;
    std::string name;
    std::optional<ProjectId> project;
    Origin origin = Origin::shipped;
    std::string title, description, licence, family;
    Document document;
    Timestamp created_at, updated_at;
    std::int64_t version = 1;
};

constexpr auto describe(As<ModelRow>) {
    return fields(field("id", &ModelRow::id), field("name", &ModelRow::name), field("project_id", &ModelRow::project),
                  field("origin", &ModelRow::origin), field("title", &ModelRow::title), field("description", &ModelRow::description),
                  field("licence", &ModelRow::licence), field("family", &ModelRow::family), field("document", &ModelRow::document),
                  field("created_at", &ModelRow::created_at), field("updated_at", &ModelRow::updated_at),
                  field("version", &ModelRow::version));
}

ArtifactForm form_of(const Artifact& a) {
    ArtifactForm form{.name = a.name, .sha256 = hex(a.digest), .bytes = a.bytes, .package = {}, .file = {}};
    if (const auto* package = std::get_if<PackageSource>(&a.source)) {
        form.package = *package;
    } else {
        form.file = std::get<FileSource>(a.source).path;
    }
    return form;
}

Artifact artifact_from(const ArtifactForm& form) {
    const auto digest = parse_sha256(form.sha256);
    if (!digest || form.package.has_value() == form.file.has_value())
        throw Error(Fault::bug, "A stored model is damaged.", "artifact " + form.name);
    Artifact artifact{.name = form.name, .digest = *digest, .bytes = form.bytes, .source = {}};
    if (form.package) {
        artifact.source = *form.package;
    } else {
        artifact.source = FileSource{*form.file};
    }
    return artifact;
}

ModelRow row_of(const StoredModel& stored) {
    const Model& m = stored.model;
    Document document{.capabilities = m.capabilities,
                      .artifacts = {},
                      .upstreams = m.upstreams,
                      .parameters = m.parameters,
                      .quantization_bits = m.quantization_bits,
                      .context_max = m.context_max,
                      .context_default = m.context_default,
                      .slots_default = m.slots_default,
                      .input_per_million = m.input_per_million,
                      .output_per_million = m.output_per_million};
    for (const auto& artifact : m.artifacts) document.artifacts.push_back(form_of(artifact));
    return {.id = m.id,
            .name = m.name,
            .project = m.project,
            .origin = stored.origin,
            .title = m.title,
            .description = m.description,
            .licence = m.licence,
            .family = m.family,
            .document = std::move(document),
            .created_at = m.created_at,
            .updated_at = m.updated_at,
            .version = stored.version};
}

StoredModel stored_from(const store::Row& row) {
    auto r = from_row<ModelRow>(row);
    Model m{.id = r.id,
            .name = std::move(r.name),
            .title = std::move(r.title),
            .description = std::move(r.description),
            .licence = std::move(r.licence),
            .family = std::move(r.family),
            .project = r.project,
            .organization = {},
            .capabilities = std::move(r.document.capabilities),
            .artifacts = {},
            .upstreams = std::move(r.document.upstreams),
            .parameters = r.document.parameters,
            .quantization_bits = r.document.quantization_bits,
            .context_max = r.document.context_max,
            .context_default = r.document.context_default,
            .slots_default = r.document.slots_default,
            .input_per_million = r.document.input_per_million,
            .output_per_million = r.document.output_per_million,
            .created_at = r.created_at,
            .updated_at = r.updated_at};
    for (const auto& form : r.document.artifacts) m.artifacts.push_back(artifact_from(form));
    return {std::move(m), r.origin, r.version};
}

// Models do not store the organization: a project belongs to one for good.
StoredModel with_owner(store::Tx& tx, StoredModel stored) {
    if (!stored.model.project) return stored;
    const auto rows = tx.query("select organization_id from projects where id = $1", *stored.model.project);
    if (!rows.empty()) stored.model.organization = store::id_in<OrganizationId>(rows.front(), "organization_id");
    return stored;
}

std::optional<StoredModel> only(store::Tx& tx, const std::vector<store::Row>& rows) {
    if (rows.empty()) return std::nullopt;
    return with_owner(tx, stored_from(rows.front()));
}

}  // namespace

std::vector<StoredModel> all_models(store::Tx& tx) {
    std::vector<StoredModel> models;
    for (const auto& row : tx.query(select_sql<ModelRow>("models", "order by name"))) models.push_back(with_owner(tx, stored_from(row)));
    return models;
}

std::optional<StoredModel> find_model(store::Tx& tx, std::string_view name) {
    return only(tx, tx.query(select_sql<ModelRow>("models", "where name = $1"), name));
}

std::optional<StoredModel> find_model(store::Tx& tx, const ModelId& id) {
    return only(tx, tx.query(select_sql<ModelRow>("models", "where id = $1"), id));
}

void insert_model(store::Tx& tx, const StoredModel& stored) {
    insert_row(tx, "models", row_of(stored));
    tx.changed("models", stored.model.id.str());
}

void update_model(store::Tx& tx, StoredModel stored) {
    ++stored.version;
    const auto changed = update_row(tx, "models", "id", row_of(stored));
    MERIDIAN_ASSERT(changed == 1);
    tx.changed("models", stored.model.id.str());
}

void remove_model(store::Tx& tx, const ModelId& id) {
    tx.run("delete from models where id = $1", id);
    tx.changed("models", id.str());
}

bool says_the_same(const Model& a, const Model& b) {
    const auto without_times = [](const Model& m) {
        ModelRow row = row_of({m, Origin::shipped});
        row.id = {};
        row.created_at = row.updated_at = {};
        return to_text(to_json(row));
    };
    return without_times(a) == without_times(b);
}

}  // namespace meridian::catalog
