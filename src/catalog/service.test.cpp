#include <gtest/gtest.h>

#include <optional>

#include "base/error.h"
#include "base/sim/world.h"
#include "catalog/names.h"
#include "catalog/service.h"
#include "catalog/testing.h"
#include "identity/service.h"

namespace meridian::catalog {
namespace {

constexpr std::string_view shipped = R"(models:
  - name: tiny
    title: Tiny
    description: A test.
    licence: CC0-1.0
    family: llama
    capabilities: [chat]
    parameters: 1000
    quantization_bits: 4
    context_max: 2048
    context_default: 1024
    slots_default: 2
    price_eur: {input_per_million: 0.02, output_per_million: 0.04}
    artifacts:
      - name: tiny.gguf
        sha256: b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
        bytes: 7
        package: {registry: pypi, package: tiny-model, version: 1.0.0, member: tiny/tiny.gguf,
                  archive_sha256: bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70}
)";

struct CatalogTest : testing::Test {
    sim::World world{9};
    std::unique_ptr<store::Store> store = [this] {
        auto opened = store::Store::open(world.disk(), world.clock(), world.pool(), {.path = "/data/control/meridian.db"});
        if (!opened) throw std::runtime_error(opened.error().said);
        return std::move(*opened);
    }();
    store::ArtifactStore artifacts{world.disk(), "/data/artifacts"};
    keys::SealingKey sealing = keys::SealingKey::from_bytes(std::string(32, 'k')).value();
    std::optional<Catalog> catalog;
    ProjectId project;

    void SetUp() override {
        project = identity::Identity(*store, world.clock(), world.rng()).bootstrap().project;
        open(std::string(shipped));
        file("/models/talk.gguf", talking_gguf().bytes());
    }
    void open(std::string yaml) {
        catalog.emplace(*store, artifacts, world.clock(), world.rng(), world.pool(), sealing, world.disk(), std::move(yaml));
        catalog->load();
    }
    void file(const std::string& path, const std::string& bytes) {
        ASSERT_TRUE(world.disk().make_directories("/models"));
        ASSERT_TRUE(world.disk().replace_file(path, bytes));
    }
    template <class T>
    std::optional<Error> error_of(Task<T> task) {
        try {
            world.run(std::move(task));
            return std::nullopt;
        } catch (const Error& e) {
            return e;
        }
    }
    Model add(AddFile what) { return world.run(catalog->add_file(std::move(what))); }
    Model add(AddUrl what) { return world.run(catalog->add_url(std::move(what))); }
};

TEST_F(CatalogTest, HowAPackageIsConvertedIsKept) {
    std::string yaml(shipped);
    yaml.insert(yaml.find("archive_sha256"), "convert: bert, ");
    open(yaml);
    EXPECT_EQ(std::get<PackageSource>(catalog->find("tiny")->artifacts.front().source).convert, Conversion::bert);
    open(std::string(shipped));
    EXPECT_EQ(std::get<PackageSource>(catalog->find("tiny")->artifacts.front().source).convert, std::nullopt);
}

TEST_F(CatalogTest, ShippedModelsAreMergedByNameAndKeepTheirId) {
    const auto before = catalog->find("tiny");
    ASSERT_TRUE(before);
    EXPECT_EQ(before->id, shipped_model_id("tiny"));
    EXPECT_EQ(before->context_default, 1024u);
    EXPECT_EQ(std::get<PackageSource>(before->artifacts.front().source).member, "tiny/tiny.gguf");
    EXPECT_FALSE(catalog->is_local(*before));

    world.run_for(std::chrono::hours(1));
    open(std::string(shipped));
    EXPECT_EQ(catalog->find("tiny")->updated_at, before->updated_at) << "nothing changed, nothing is written";

    std::string cheaper(shipped);
    cheaper.replace(cheaper.find("0.02"), 4, "0.01");
    open(cheaper);
    const auto after = catalog->find(before->id);
    ASSERT_TRUE(after);
    EXPECT_EQ(after->input_per_million, *Money::parse("0.01"));
    EXPECT_EQ(after->created_at, before->created_at);
    EXPECT_GT(after->updated_at, before->updated_at);

    open("models: []");
    EXPECT_TRUE(catalog->find("tiny")) << "deployments may still use it";
}

TEST_F(CatalogTest, ABrokenCatalogueSaysWhere) {
    try {
        open("models:\n  - name: x\n");
        FAIL();
    } catch (const Error& e) {
        EXPECT_NE(e.said.find("line 2"), std::string::npos) << e.said;
    }
}

TEST_F(CatalogTest, AFileOfTheOperatorBecomesAModel) {
    const auto made = add(AddFile{.path = "/models/talk.gguf", .name = "mine", .slots = 2, .context = 512});
    const auto found = catalog->find("mine");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->id, made.id);
    EXPECT_EQ(found->family, "llama");
    EXPECT_EQ(found->licence, "cc0-1.0");
    EXPECT_EQ(found->context_max, 2048u);
    EXPECT_EQ(found->context_default, 512u);
    EXPECT_EQ(found->slots_default, 2u);
    EXPECT_EQ(found->quantization_bits, 4u);
    EXPECT_TRUE(found->can(Capability::chat));
    EXPECT_TRUE(found->can(Capability::json_schema));
    EXPECT_FALSE(found->can(Capability::embedding));
    EXPECT_TRUE(catalog->is_local(*found));
    EXPECT_EQ(found->bytes(), talking_gguf().bytes().size());
    EXPECT_EQ(world.run(catalog->ensure_local(*found, {})), artifacts.path(found->artifacts.front().digest));
}

TEST_F(CatalogTest, WhatAFileCanDoFollowsFromItsHeader) {
    file("/models/base.gguf", talking_gguf("").bytes());
    const auto base = add(AddFile{.path = "/models/base.gguf", .name = "base"});
    EXPECT_FALSE(base.can(Capability::chat));
    EXPECT_TRUE(base.can(Capability::completion));
    file("/models/tools.gguf", talking_gguf("{{ tools }}").bytes());
    EXPECT_TRUE(add(AddFile{.path = "/models/tools.gguf", .name = "tools"}).can(Capability::tools));
    const auto embedding = add(AddFile{.path = "/models/talk.gguf", .name = "vectors", .embedding = true});
    EXPECT_EQ(embedding.capabilities, std::vector{Capability::embedding});
}

TEST_F(CatalogTest, AddingAFileAgainChangesItsSettingsAndAnotherFileIsRefused) {
    const auto first = add(AddFile{.path = "/models/talk.gguf", .name = "mine"});
    const auto again = add(AddFile{.path = "/models/talk.gguf", .name = "mine", .slots = 8});
    EXPECT_EQ(again.id, first.id);
    EXPECT_EQ(catalog->find("mine")->slots_default, 8u);
    file("/models/other.gguf", talking_gguf("other").bytes());
    EXPECT_EQ(error_of(catalog->add_file({.path = "/models/other.gguf", .name = "mine"}))->fault, Fault::conflict);
    EXPECT_EQ(error_of(catalog->add_file({.path = "/models/other.gguf", .name = "tiny"}))->fault, Fault::conflict);
}

TEST_F(CatalogTest, BadFilesAndBadWordsAreRefused) {
    file("/models/text.gguf", "no model");
    struct Row {
        std::string_view claim;
        AddFile what;
        Fault fault;
    };
    const Row rows[] = {
        {"no such file", {.path = "/models/none.gguf", .name = "m"}, Fault::not_found},
        {"no GGUF", {.path = "/models/text.gguf", .name = "m"}, Fault::invalid},
        {"a bad name", {.path = "/models/talk.gguf", .name = "my model"}, Fault::invalid},
        {"no name", {.path = "/models/talk.gguf", .name = ""}, Fault::invalid},
        {"more context than it has", {.path = "/models/talk.gguf", .name = "m", .context = 4096}, Fault::invalid},
        {"no slots", {.path = "/models/talk.gguf", .name = "m", .slots = 0}, Fault::invalid},
    };
    for (const auto& row : rows) {
        const auto error = error_of(catalog->add_file(row.what));
        ASSERT_TRUE(error) << row.claim;
        EXPECT_EQ(error->fault, row.fault) << row.claim << ": " << error->said;
    }
    EXPECT_FALSE(catalog->find("m"));
}

TEST_F(CatalogTest, APrivateModelIsForItsProjectOnly) {
    add(AddFile{.path = "/models/talk.gguf", .name = "mine", .project = project});
    const auto bootstrap = identity::Identity(*store, world.clock(), world.rng()).bootstrap();
    EXPECT_EQ(catalog->find("mine").value().organization, bootstrap.organization);
    EXPECT_TRUE(catalog->find("tiny").value().organization.is_nil());
    const auto names = [&](const std::optional<ProjectId>& who) {
        std::vector<std::string> list;
        for (const auto& m : catalog->models(who)) list.push_back(m.name);
        return list;
    };
    EXPECT_EQ(names(project), (std::vector<std::string>{"mine", "tiny"}));
    EXPECT_EQ(names(ProjectId::random(world.rng())), std::vector<std::string>{"tiny"});
    EXPECT_EQ(names(std::nullopt), std::vector<std::string>{"tiny"});
}

TEST_F(CatalogTest, UpstreamsOfOneNameFailOverInTheOrderTheyCame) {
    add(AddUrl{.url = "https://one.example/v1/",
               .name = "big",
               .upstream_model = "big-1",
               .key = "sk-one",
               .input_per_million = Money::parse("1")});
    const auto made = add(AddUrl{.url = "https://two.example/v1", .name = "big", .output_per_million = Money::parse("2")});
    ASSERT_EQ(made.upstreams.size(), 2u);
    EXPECT_TRUE(made.is_upstream());
    EXPECT_EQ(made.upstreams[0].url, "https://one.example/v1");
    EXPECT_EQ(made.upstreams[0].upstream_model, "big-1");
    EXPECT_EQ(made.upstreams[1].upstream_model, "big");
    EXPECT_EQ(made.input_per_million, *Money::parse("1"));
    EXPECT_EQ(made.output_per_million, *Money::parse("2"));
    EXPECT_EQ(catalog->upstream_key(made.upstreams[0]), "sk-one");
    EXPECT_EQ(catalog->upstream_key(made.upstreams[1]), "");
    EXPECT_EQ(error_of(catalog->ensure_local(made, {}))->fault, Fault::precondition);

    const auto rotated = add(AddUrl{.url = "https://one.example/v1", .name = "big", .upstream_model = "big-1", .key = "sk-new"});
    ASSERT_EQ(rotated.upstreams.size(), 2u);
    EXPECT_EQ(catalog->upstream_key(catalog->find("big")->upstreams[0]), "sk-new");
}

TEST_F(CatalogTest, AnUpstreamsKeyIsSealedAndGoodForItsUrlOnly) {
    const auto made = add(AddUrl{.url = "https://one.example/v1", .name = "big", .key = "sk-very-secret"});
    store->read_now([](store::Tx& tx) {
        const auto rows = tx.query("select document from models where name = 'big'");
        EXPECT_EQ(rows.front().get<std::string>("document").find("sk-very"), std::string::npos);
    });
    Upstream moved = made.upstreams.front();
    moved.url = "https://thief.example/v1";
    EXPECT_THROW((void)catalog->upstream_key(moved), Error);
}

TEST_F(CatalogTest, BadUpstreamsAreRefused) {
    for (const auto* url :
         {"", "one.example/v1", "ftp://one.example", "https://one.example/v1?key=1", "https://one.example/v1#x", "file:///etc/passwd"}) {
        const auto error = error_of(catalog->add_url({.url = url, .name = "big", .upstream_model = "", .key = ""}));
        ASSERT_TRUE(error) << url;
        EXPECT_EQ(error->fault, Fault::invalid) << url;
    }
    EXPECT_EQ(error_of(catalog->add_url({.url = "https://a.example/v1", .name = "big", .upstream_model = "", .key = "a\r\nb: c"}))->fault,
              Fault::invalid);
    EXPECT_EQ(error_of(catalog->add_url({.url = "https://a.example/v1", .name = "tiny", .upstream_model = "", .key = ""}))->fault,
              Fault::conflict);
}

TEST_F(CatalogTest, RemovingAModelTakesItsFileWhenNobodyElseUsesIt) {
    const auto a = add(AddFile{.path = "/models/talk.gguf", .name = "a"});
    const auto b = add(AddFile{.path = "/models/talk.gguf", .name = "b"});
    const auto digest = a.artifacts.front().digest;
    world.run(catalog->remove(a.id));
    EXPECT_FALSE(catalog->find("a"));
    EXPECT_TRUE(artifacts.has(digest)) << "b has the same file";
    world.run(catalog->remove(b.id));
    EXPECT_FALSE(artifacts.has(digest));
    EXPECT_EQ(error_of(catalog->remove(b.id))->fault, Fault::not_found);
    EXPECT_EQ(error_of(catalog->remove(shipped_model_id("tiny")))->fault, Fault::precondition);
}

TEST_F(CatalogTest, ALostFileIsCopiedAgainAndAChangedOneIsNot) {
    const auto made = add(AddFile{.path = "/models/talk.gguf", .name = "mine"});
    const auto digest = made.artifacts.front().digest;
    artifacts.remove(digest);
    EXPECT_FALSE(catalog->is_local(made));
    std::vector<Progress> told;
    world.run(catalog->ensure_local(made, [&](Progress p) { told.push_back(p); }));
    EXPECT_TRUE(artifacts.check(digest));
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told.back().phase, Phase::ready);

    artifacts.remove(digest);
    file("/models/talk.gguf", talking_gguf("changed").bytes());
    const auto changed = error_of(catalog->ensure_local(made, {}));
    ASSERT_TRUE(changed);
    EXPECT_EQ(changed->code, "digest_mismatch");
    EXPECT_EQ(changed->fault, Fault::unavailable);

    ASSERT_TRUE(world.disk().remove("/models/talk.gguf"));
    const auto gone = error_of(catalog->ensure_local(made, {}));
    EXPECT_EQ(gone->fault, Fault::unavailable);
    EXPECT_NE(gone->said.find("/models/talk.gguf"), std::string::npos);

    world.disk().fill_up(10);
    EXPECT_EQ(error_of(catalog->ensure_local(made, {}))->fault, Fault::unavailable);
}

TEST_F(CatalogTest, AnotherWritersModelsArriveThroughTheChangeFeed) {
    catalog->follow(world.executor());
    Catalog other(*store, artifacts, world.clock(), world.rng(), world.pool(), sealing, world.disk(), std::string(shipped));
    other.load();
    world.run(other.add_file({.path = "/models/talk.gguf", .name = "theirs"}));
    world.run_for(std::chrono::seconds(1));
    EXPECT_TRUE(catalog->find("theirs"));
}

}  // namespace
}  // namespace meridian::catalog
