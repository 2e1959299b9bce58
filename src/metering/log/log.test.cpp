// The public log through the real router, and as files.
#include <gtest/gtest.h>

#include "http/exchange.test.h"
#include "identity/door.test.h"
#include "metering/log/export.h"
#include "metering/log/service.h"
#include "metering/note.h"
#include "metering/testing.h"

namespace meridian::metering {
namespace {

constexpr std::uint64_t leaves = 300;

Proof hashes_in(const Json& json) {
    Proof proof;
    for (const auto& each : member(json, "hashes")->as_array()) {
        const auto bytes = unbase64(view(each.as_string())).value();
        std::copy_n(bytes.data(), 32, reinterpret_cast<char*>(proof.emplace_back().data()));
    }
    return proof;
}

struct LogApi : ::testing::Test {
    testing::Bench bench;
    std::unique_ptr<testing::Running> running = bench.open();
    identity::test::Door door;
    http::Router router{door};

    void SetUp() override {
        add_routes(router, *running->meter, bench.world.pool(), *geography::Zone::parse("fr-par-1"));
        for (std::uint64_t i = 0; i < leaves; ++i) testing::run_once(*running->meter);
        running->durable();
    }
    http::Response ask(const std::string& what, const std::string& zone = "fr-par-1") {
        http::test::WholeExchange exchange("GET", "/meridian/v1/log/" + zone + "/" + what);
        bench.world.run(router.handle(exchange));
        return exchange.answered.value();
    }
    Json json(const std::string& what) {
        const auto answer = ask(what);
        EXPECT_EQ(answer.status, 200) << answer.body;
        return parse_json(answer.body).value();
    }
    Checkpoint checkpoint() {
        auto key = ask("key").body;
        key.pop_back();
        return read_note(ask("checkpoint").body, VerifierKey::parse(key).value()).value();
    }
};

TEST_F(LogApi, ServesTilesToAnybody) {
    const auto full = ask("tile/0/000");
    EXPECT_EQ(door.asked, "any public");
    EXPECT_EQ(full.status, 200);
    EXPECT_EQ(full.body.size(), 8192u);
    EXPECT_EQ(full.headers.get("Content-Type"), "application/octet-stream");
    EXPECT_NE(full.headers.get("Cache-Control").find("immutable"), std::string_view::npos);
    const auto partial = ask("tile/0/001.p/44");
    EXPECT_EQ(partial.body.size(), 44u * 32);
    EXPECT_EQ(partial.headers.get("Cache-Control").find("immutable"), std::string_view::npos);
    EXPECT_EQ(ask("tile/1/000.p/1").body.size(), 32u);
    for (const auto* wrong :
         {"tile/0/001", "tile/0/001.p/45", "tile/0/002", "tile/1/000", "tile/9/000.p/1", "tile/entries/000", "tile/0/1"})
        EXPECT_EQ(ask(wrong).status, 404) << wrong;
    EXPECT_EQ(ask("tile/0/000", "it-mil-1").status, 404);
}

TEST_F(LogApi, ProvesEveryLeafOfTheCheckpoint) {
    const auto signed_tree = checkpoint();
    ASSERT_EQ(signed_tree.size, leaves);
    for (std::uint64_t index = 0; index < leaves; index += 23) {
        const auto proof = json("inclusion?index=" + std::to_string(index) + "&size=" + std::to_string(leaves));
        Sha256 leaf{};
        const auto bytes = unbase64(view(*text_member(proof, "leaf_hash"))).value();
        std::copy_n(bytes.data(), 32, reinterpret_cast<char*>(leaf.data()));
        EXPECT_TRUE(includes(signed_tree.root, leaves, leaf, index, hashes_in(proof)));
    }
    EXPECT_EQ(member(json("inclusion?index=3"), "size")->to_number<std::uint64_t>(), leaves);
}

TEST_F(LogApi, ProvesThatTheLogOnlyGrew) {
    const auto before = checkpoint();
    for (int i = 0; i < 40; ++i) testing::run_once(*running->meter);
    running->durable();
    const auto after = checkpoint();
    ASSERT_EQ(after.size, before.size + 40);
    EXPECT_TRUE(extends(after.root, after.size, before.root, before.size, hashes_in(json("consistency?from=300"))));
    EXPECT_TRUE(hashes_in(json("consistency?from=0&to=340")).empty());
    EXPECT_TRUE(hashes_in(json("consistency?from=340&to=340")).empty());
}

TEST_F(LogApi, NamesAWrongQuestion) {
    for (const auto* wrong : {"inclusion", "inclusion?index=300", "inclusion?index=-1", "inclusion?index=1x", "inclusion?index=0&size=301",
                              "inclusion?index=5&size=5", "consistency", "consistency?from=301", "consistency?from=5&to=4",
                              "consistency?from=0&to=99999999999999999999", "inclusion?index=0&size=0"}) {
        const auto answer = ask(wrong);
        EXPECT_EQ(answer.status, 400) << wrong << ": " << answer.body;
    }
}

TEST_F(LogApi, IsExportedAsTheFilesThatItServes) {
    auto& disk = bench.world.disk();
    const auto first = export_log(disk, testing::directory, "/export");
    ASSERT_TRUE(first) << first.error().said;
    EXPECT_EQ(first->size, leaves);
    EXPECT_EQ(first->tiles, 3u);
    for (const auto* path : {"checkpoint", "key", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"})
        EXPECT_EQ(disk.read_file("/export/" + std::string(path)).value(), ask(path).body) << path;

    for (int i = 0; i < 300; ++i) testing::run_once(*running->meter);
    running->durable();
    const auto more = export_log(disk, testing::directory, "/export");
    ASSERT_TRUE(more) << more.error().said;
    EXPECT_EQ(more->tiles, 3u);  // 0/001, 0/002.p/88, 1/000.p/2
    for (const auto* path : {"checkpoint", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"})
        EXPECT_EQ(disk.read_file("/export/" + std::string(path)).value(), ask(path).body) << path;
    EXPECT_EQ(export_log(disk, testing::directory, "/export")->tiles, 0u);
}

TEST_F(LogApi, IsNotExportedOverAnotherLog) {
    testing::Bench other(2);
    const auto elsewhere = other.open();
    testing::run_once(*elsewhere->meter);
    elsewhere->durable();
    auto& disk = bench.world.disk();
    ASSERT_TRUE(disk.make_directories("/export"));
    ASSERT_TRUE(disk.replace_file("/export/checkpoint", (*elsewhere)->checkpoint()));
    const auto refused = export_log(disk, testing::directory, "/export");
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().said.find("name another directory"), std::string::npos) << refused.error().said;
    EXPECT_FALSE(export_log(disk, "/nowhere", "/export2"));
}

}  // namespace
}  // namespace meridian::metering
