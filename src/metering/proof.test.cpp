#include "metering/proof.h"

#include <gtest/gtest.h>

#include "metering/books/event.h"
#include "metering/testing.h"

namespace meridian::metering {
namespace {

using testing::Bench;
using testing::run_once;

// Eleven leaves, the seventh of which has a file.
struct Proven {
    Bench bench;
    std::unique_ptr<testing::Running> running = bench.open();
    RunId id;
    JsonObject file;

    enum class Of { receipt, event };
    explicit Proven(Of what = Of::receipt) {
        for (int i = 0; i < 11; ++i) {
            if (i == 6 && what == Of::event) {
                id = RunId(Uuid{{7}});
                (*running)->log_event(change());
                continue;
            }
            const auto receipt = run_once(*running->meter, {i, i, 0});
            if (i == 6) id = receipt.id;
        }
        file = bench.world.run((*running)->proof(id)).as_object();
    }
    AdminEvent change() {
        AdminEvent made;
        made.id = EventId(id.uuid());
        made.at = bench.world.clock().now();
        made.organization = testing::organization;
        made.project = testing::project;
        made.operation = "UpdateProject";
        made.product = "account";
        made.resource_type = "projects";
        made.resource = testing::project.str();
        made.before = "sha256:00", made.after = "sha256:01";
        return made;
    }
    [[nodiscard]] std::string key() const { return running->meter->verifier_key(); }
    static Meter::Verdict verdict(const JsonObject& file, std::string_view key = "") { return Meter::verify_file(to_text(file), key); }
};

TEST(Proofs, VerifyOffline) {
    const Proven p;
    EXPECT_EQ(p.file.at("index").as_int64(), 6);
    EXPECT_EQ(p.file.at("tree_size").as_int64(), 11);
    const auto alone = Proven::verdict(p.file);
    EXPECT_TRUE(alone.good) << alone.said;
    EXPECT_NE(alone.said.find("compare that key"), std::string::npos) << "a file cannot vouch for its own key";
    const auto trusted = Proven::verdict(p.file, p.key());
    EXPECT_TRUE(trusted.good) << trusted.said;
    EXPECT_EQ(trusted.said.find("compare"), std::string::npos);
}

TEST(Proofs, AreOfTheKeyThatIsTrusted) {
    const Proven p;
    SeededRng rng(5);
    const auto other = keys::SigningKey::generate(rng);
    const VerifierKey name_of_other{origin_of("fr-par-1", other.public_key()), other.public_key()};
    EXPECT_FALSE(Proven::verdict(p.file, name_of_other.str()).good);
    EXPECT_FALSE(Proven::verdict(p.file, "nonsense").good);
}

TEST(Proofs, OfWhatIsNotSettledDoNotExist) {
    Bench bench;
    auto running = bench.open();
    const auto hold = (*running)->hold(testing::chat());
    EXPECT_THROW(bench.world.run((*running)->proof(hold.id())), Error);
}

class EachProof : public ::testing::TestWithParam<Proven::Of> {};

TEST_P(EachProof, WithAnyMemberChangedIsRejected) {
    const Proven p(GetParam());
    const bool is_receipt = GetParam() == Proven::Of::receipt;
    const std::string noun = is_receipt ? "receipt" : "event", other_noun = is_receipt ? "event" : "receipt";
    ASSERT_TRUE(Proven::verdict(p.file, p.key()).good) << Proven::verdict(p.file, p.key()).said;
    const auto other_leaf = [&] {
        auto leaf = *unbase64(view(p.file.at("leaf").as_string()));
        const std::string_view there = is_receipt ? "\"output_tokens\":6" : "UpdateProject",
                               instead = is_receipt ? "\"output_tokens\":7" : "CreateProject";
        leaf.replace(leaf.find(there), there.size(), instead);
        return leaf;
    }();
    SeededRng rng(5);
    const auto forger = keys::SigningKey::generate(rng);
    const VerifierKey forged{origin_of("fr-par-1", forger.public_key()), forger.public_key()};
    struct Row {
        std::string_view says;
        std::function<void(JsonObject&)> change;
    };
    const Row rows[] = {
        {"another type", [&](auto& f) { f["type"] = "meridian-" + noun + "/v2"; }},
        {"the type of the other kind", [&](auto& f) { f["type"] = "meridian-" + other_noun + "/v1"; }},
        {"as the other kind",
         [&](auto& f) {
             f["type"] = "meridian-" + other_noun + "/v1";
             f[other_noun] = f[noun];
             f.erase(noun);
         }},
        {"another shown leaf", [&](auto& f) { f[noun].as_object()["project"] = nullptr; }},
        {"one more member in the shown leaf", [&](auto& f) { f[noun].as_object()["note"] = "paid"; }},
        {"another leaf, shown alike", [&](auto& f) { f["leaf"] = base64(other_leaf), f[noun] = parse_json(other_leaf).value(); }},
        {"a leaf that is of no kind", [&](auto& f) { f["leaf"] = base64("{}"), f[noun] = JsonObject{}; }},
        {"a hash without its padding", [](auto& f) { f["inclusion"].as_array()[0].as_string().pop_back(); }},
        {"another index", [](auto& f) { f["index"] = 5; }},
        {"an index past the end", [](auto& f) { f["index"] = 11; }},
        {"a negative index", [](auto& f) { f["index"] = -1; }},
        {"an index that is no integer", [](auto& f) { f["index"] = 6.0; }},
        {"another tree size", [](auto& f) { f["tree_size"] = 12; }},
        {"a shorter path", [](auto& f) { f["inclusion"].as_array().pop_back(); }},
        {"a longer path", [](auto& f) { f["inclusion"].as_array().push_back(f["inclusion"].as_array()[0]); }},
        {"another path", [](auto& f) { std::swap(f["inclusion"].as_array()[0], f["inclusion"].as_array()[1]); }},
        {"a short hash in the path", [](auto& f) { f["inclusion"].as_array()[0] = base64("short"); }},
        {"no path", [](auto& f) { f["inclusion"] = nullptr; }},
        {"an empty checkpoint", [](auto& f) { f["checkpoint"] = ""; }},
        {"a checkpoint of a forger",
         [&](auto& f) { f["checkpoint"] = signed_note({forged.name, 11, {}}, forger), f["verifier_key"] = forged.str(); }},
        {"a forger's key", [&](auto& f) { f["verifier_key"] = forged.str(); }},
        {"a missing key", [](auto& f) { f.erase("verifier_key"); }},
        {"something more", [](auto& f) { f["extra"] = true; }},
    };
    for (const auto& row : rows) {
        auto file = p.file;
        row.change(file);
        const auto verdict = Proven::verdict(file);
        EXPECT_FALSE(verdict.good) << row.says;
        EXPECT_FALSE(verdict.said.empty());
    }
    for (const auto& [key, value] : p.file) {
        auto file = p.file;
        file.erase(key);
        EXPECT_FALSE(Proven::verdict(file).good) << "without " << key;
    }
    EXPECT_FALSE(Meter::verify_file("", "").good);
    EXPECT_FALSE(Meter::verify_file("[]", "").good);
}

// Blanks between tokens mean nothing; every other character of the file does.
TEST_P(EachProof, WithAnyCharacterChangedIsRejected) {
    const Proven p(GetParam());
    const auto text = to_text(p.file);
    for (std::size_t at = 0; at < text.size(); ++at) {
        auto changed = text;
        changed[at] = text[at] == 'x' ? 'y' : 'x';
        EXPECT_FALSE(Meter::verify_file(changed, "").good) << at << ": " << text.substr(at, 20);
    }
}

TEST_P(EachProof, WithAnyBitOfItsLeafChangedIsRejected) {
    const Proven p(GetParam());
    const auto* const noun = GetParam() == Proven::Of::receipt ? "receipt" : "event";
    const auto leaf = *unbase64(view(p.file.at("leaf").as_string()));
    for (std::size_t bit = 0; bit < leaf.size() * 8; ++bit) {
        auto changed = leaf;
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
        auto file = p.file;
        file["leaf"] = base64(changed);
        if (auto shown = parse_json(changed)) file[noun] = std::move(*shown);
        EXPECT_FALSE(Proven::verdict(file).good) << "bit " << bit;
    }
}

INSTANTIATE_TEST_SUITE_P(Proofs, EachProof, ::testing::Values(Proven::Of::receipt, Proven::Of::event),
                         [](const auto& of) { return of.param == Proven::Of::receipt ? "OfAReceipt" : "OfAnEvent"; });

TEST(Proofs, OfAnEventSaySoAndCountNoReceipt) {
    const Proven p(Proven::Of::event);
    EXPECT_EQ(view(p.file.at("type").as_string()), "meridian-event/v1");
    EXPECT_EQ(p.file.at("index").as_int64(), 6);
    const auto verdict = Proven::verdict(p.file, p.key());
    EXPECT_NE(verdict.said.find("The event " + p.id.str() + " is number 7 of 11"), std::string::npos) << verdict.said;
    EXPECT_EQ(verdict.receipts, 0);
}

TEST(Tokens, AreSignedByTheZonesKey) {
    Proven p;
    const auto token = p.bench.world.run((*p.running)->jws(p.id));
    const auto first = token.find('.'), second = token.rfind('.');
    ASSERT_NE(first, second);
    EXPECT_EQ(*unbase64(token.substr(0, first)), R"({"alg":"EdDSA","kid":")" + p.bench.key.key_id() + "\"}");
    EXPECT_EQ(*unbase64(token.substr(first + 1, second - first - 1)), (*p.running)->find(p.id)->leaf);
    EXPECT_TRUE(keys::verify(p.bench.key.public_key(), token.substr(0, second), *unbase64(token.substr(second + 1))));
}

}  // namespace
}  // namespace meridian::metering
