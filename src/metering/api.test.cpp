// Who gets to see which receipt, through the real router.
#include <gtest/gtest.h>

#include "http/exchange.test.h"
#include "identity/door.test.h"
#include "metering/note.h"
#include "metering/testing.h"

namespace meridian::metering {
namespace {

struct ReceiptApi : ::testing::Test {
    testing::Bench bench;
    std::unique_ptr<testing::Running> running = bench.open();
    identity::test::Door door;
    http::Router router{door};

    void SetUp() override {
        add_routes(router, *running->meter, bench.world.pool(), *geography::Zone::parse("fr-par-1"));
        door.caller.organization = testing::organization;
        door.caller.project = testing::project;
    }
    http::Response ask(const std::string& target, std::string accept = "") {
        http::test::WholeExchange exchange("GET", target);
        if (!accept.empty()) exchange.asked.headers.add("Accept", std::move(accept));
        bench.world.run(router.handle(exchange));
        return exchange.answered.value();
    }
    std::string run_for(ProjectId project, OrganizationId organization = testing::organization) {
        auto start = testing::chat();
        start.project = project;
        start.organization = organization;
        return (*running)->settle((*running)->hold(start), {1, 2, 0}, Outcome::finished).id.str();
    }
};

TEST_F(ReceiptApi, ListsInPagesNewestFirst) {
    std::vector<std::string> newest_first;
    for (int i = 0; i < 5; ++i) newest_first.insert(newest_first.begin(), run_for(testing::project));
    std::vector<std::string> listed;
    std::string token;
    do {
        const auto answer = ask("/meridian/v1/receipts?page_size=2" + (token.empty() ? "" : "&page_token=" + token));
        ASSERT_EQ(answer.status, 200) << answer.body;
        const auto body = parse_json(answer.body).value();
        for (const auto& receipt : member(body, "receipts")->as_array()) listed.emplace_back(view(*text_member(receipt, "id")));
        const auto* next = text_member(body, "next_page_token");
        token = next ? std::string(view(*next)) : "";
    } while (!token.empty());
    EXPECT_EQ(listed, newest_first);
    EXPECT_EQ(door.asked, "read receipts");
}

TEST_F(ReceiptApi, ShowsOnlyWhatTheCallerMaySee) {
    SeededRng rng(4);
    const auto other_project = ProjectId::random(rng);
    const auto mine = run_for(testing::project), other = run_for(other_project),
               foreign = run_for(testing::project, OrganizationId::random(rng));
    const auto count = [&](const std::string& target) {
        return member(parse_json(ask(target).body).value(), "receipts")->as_array().size();
    };

    EXPECT_EQ(ask("/meridian/v1/receipts/" + mine).status, 200);
    EXPECT_EQ(ask("/meridian/v1/receipts/" + other).status, 200);
    EXPECT_EQ(ask("/meridian/v1/receipts/" + foreign).status, 404);
    EXPECT_EQ(ask("/meridian/v1/receipts/nonsense").status, 404);
    EXPECT_EQ(ask("/meridian/v1/receipts?project_id=" + other_project.str()).status, 200);

    door.caller.reach = door.caller.sight = identity::Reach::of({testing::project});
    EXPECT_EQ(ask("/meridian/v1/receipts/" + mine).status, 200);
    EXPECT_EQ(ask("/meridian/v1/receipts/" + other).status, 404);
    EXPECT_EQ(ask("/meridian/v1/receipts?project_id=" + other_project.str()).status, 404);

    door.caller.reach = door.caller.sight = identity::Reach::of({other_project});
    EXPECT_EQ(count("/meridian/v1/receipts"), 1u);
    door.caller.organization = OrganizationId::random(rng);
    EXPECT_EQ(count("/meridian/v1/receipts"), 0u);
    EXPECT_EQ(ask("/meridian/v1/receipts/" + other).status, 404);
}

TEST_F(ReceiptApi, GivesAFileThatVerifiesAndATokenWhenAsked) {
    const auto id = run_for(testing::project);
    const auto file = ask("/meridian/v1/receipts/" + id, "application/json");
    EXPECT_TRUE(Meter::verify_file(file.body, (*running)->verifier_key()).good);
    const auto token = ask("/meridian/v1/receipts/" + id, "application/jose");
    EXPECT_EQ(token.headers.get("Content-Type"), "application/jose");
    EXPECT_EQ(std::ranges::count(token.body, '.'), 2);
}

TEST_F(ReceiptApi, PublishesTheLogsCheckpointAndKey) {
    run_for(testing::project);
    running->durable();
    const auto key = ask("/meridian/v1/log/fr-par-1/key");
    EXPECT_EQ(door.asked, "any public");
    ASSERT_TRUE(key.body.ends_with('\n'));
    const auto verifier = VerifierKey::parse(key.body.substr(0, key.body.size() - 1));
    ASSERT_TRUE(verifier);
    const auto checkpoint = read_note(ask("/meridian/v1/log/fr-par-1/checkpoint").body, *verifier);
    ASSERT_TRUE(checkpoint);
    EXPECT_EQ(checkpoint->size, 1u);
    EXPECT_EQ(ask("/meridian/v1/log/it-mil-1/checkpoint").status, 404);
    EXPECT_EQ(ask("/meridian/v1/log/it-mil-1/key").status, 404);
}

TEST_F(ReceiptApi, NamesAWrongParameter) {
    for (const auto* wrong : {"page_token=%25", "page_token=YWJj", "page_size=0", "project_id=x"}) {
        const auto answer = ask(std::string("/meridian/v1/receipts?") + wrong);
        EXPECT_EQ(answer.status, 400) << wrong << ": " << answer.body;
    }
}

}  // namespace
}  // namespace meridian::metering
