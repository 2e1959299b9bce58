// Who is told of an alert, and how often: webhooks in a simulated network and a mailer that writes down what it gets.
#include "metering/budget/sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/client.test.h"
#include "metering/budget/house.test.h"

namespace meridian::metering {
namespace {

using testing::Bench;
using ::testing::HasSubstr;
using testing::House;
using namespace std::chrono_literals;

Money eur(std::string_view text) { return Money::parse(text).value(); }

struct WritingMailer final : Mailer {
    Task<expected<void>> send(std::string message) override {
        messages.push_back(std::move(message));
        if (failures == 0) co_return expected<void>();
        --failures;
        co_return complaint("the server is away");
    }
    std::vector<std::string> messages;
    unsigned failures = 0;
};

struct AlertSenderTest : ::testing::Test {
    void SetUp() override {
        house.emplace(bench, "one", Mail::sent);
        client.emplace(bench.world.network(), bench.world.clock(), bench.world.executor(), http::EgressPolicy());
        sender.emplace(*house->store, *client, &mailer, bench.world.clock(), house->sealing);
        house->tasks.spawn("alerts", sender->run(house->tasks));
        bench.world.network().name("hooks.example", {asio::ip::make_address("8.8.8.8")});
        bench.world.network().name("slow.example", {asio::ip::make_address("9.9.9.9")});
    }
    void TearDown() override {
        house.reset();
        for (auto& listener : listeners) listener->close();
        serving.cancel();
        bench.world.run(serving.join());
    }
    http::test::Site& serve(std::string_view at, std::vector<http::test::Script> scripts) {
        auto& site = *sites.emplace_back(std::make_unique<http::test::Site>(std::move(scripts)));
        listeners.push_back(bench.world.network().listen(bench.world.executor(), *Address::parse(at)).value());
        serving.spawn("site", http::test::accept_all(*listeners.back(), serving, bench.world.clock(), site));
        return site;
    }
    http::test::Site& hook() { return serve("8.8.8.8:80", {taken()}); }
    static http::test::Script taken() { return {http::test::reads(), http::test::answers("")}; }
    static http::test::Script refused() { return {http::test::reads(), http::test::says("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")}; }
    Budget soft_budget(std::vector<std::uint32_t> percents, std::string url = "") {
        return house->budget({.limit = eur("1"), .hard = false, .alerts = std::move(percents), .webhook_url = std::move(url)});
    }
    void spend(std::string_view amount) {
        house->settle(house->begin(house->start(eur("2"))), eur(amount).count());
        bench.world.run_for(5s);
    }
    BudgetNotification tell(const BudgetAlertId& alert, Channel channel, std::vector<std::string> addresses) {
        return bench.world.run(house->budgets->add_notification(house->owner(), alert, {channel, std::move(addresses)}));
    }
    std::vector<rows::RaisedAlert> raised(const Budget& budget) {
        return bench.world.run(house->budgets->alerts(house->owner(), budget.id));
    }

    Bench bench{5};
    std::optional<House> house;
    std::optional<http::Client> client;
    WritingMailer mailer;
    std::optional<AlertSender> sender;
    TaskGroup serving{bench.world.executor()};
    std::vector<std::unique_ptr<http::test::Site>> sites;
    std::vector<std::unique_ptr<Listener>> listeners;
};

TEST_F(AlertSenderTest, EachRecipientIsToldByItselfOnceAWindow) {
    auto& site = hook();
    const auto budget = soft_budget({50, 90}, "http://hooks.example/own");
    const auto& fifty = budget.alerts.at(0);
    tell(fifty.id, Channel::webhook, {"http://hooks.example/a", "http://hooks.example/b"});
    tell(fifty.id, Channel::email, {"a@example.org"});
    tell(fifty.id, Channel::email, {"b@example.org", "a@example.org"});
    spend("0.49");
    EXPECT_TRUE(site.requests.empty());
    spend("0.01");
    ASSERT_EQ(site.requests.size(), 3U);
    std::vector<std::string> paths;
    for (const auto& request : site.requests) paths.push_back(request.substr(0, request.find(" HTTP")));
    EXPECT_THAT(paths, ::testing::UnorderedElementsAre("POST /own", "POST /a", "POST /b"));
    ASSERT_EQ(mailer.messages.size(), 2U);
    EXPECT_TRUE(mailer.messages[0].starts_with("To: a@example.org\n")) << mailer.messages[0];
    EXPECT_TRUE(mailer.messages[1].starts_with("To: b@example.org\n")) << mailer.messages[1];
    spend("0.1");
    EXPECT_EQ(site.requests.size(), 3U);
    spend("0.4");  // nobody but the budget's own webhook was named for 90
    EXPECT_EQ(site.requests.size(), 4U);
    EXPECT_EQ(mailer.messages.size(), 2U);
    const auto all = raised(budget);
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[1].deliveries.size(), 5U);
    for (const auto& alert : all)
        for (const auto& delivery : alert.deliveries) EXPECT_TRUE(delivery.delivered_at && delivery.attempts == 1) << delivery.recipient;
    bench.world.jump_wall_clock(24h * 31);
    spend("0.5");
    EXPECT_EQ(site.requests.size(), 7U);
    EXPECT_EQ(mailer.messages.size(), 4U);
}

TEST_F(AlertSenderTest, WhoeverIsAddedLaterIsToldOfWhatIsSpentAlready) {
    auto& site = hook();
    const auto budget = soft_budget({50});
    spend("0.8");
    EXPECT_EQ(raised(budget).size(), 1U);
    tell(budget.alerts[0].id, Channel::webhook, {"http://hooks.example/a"});
    bench.world.run_for(5s);
    EXPECT_EQ(site.requests.size(), 1U);
    const auto more = bench.world.run(house->budgets->add_alert(house->owner(), budget.id, 75));
    tell(more.id, Channel::email, {"a@example.org"});
    bench.world.run_for(5s);
    ASSERT_EQ(mailer.messages.size(), 1U);
    EXPECT_THAT(mailer.messages[0], HasSubstr("75 percent of 1 EUR"));
    bench.world.run(house->budgets->change_alert(house->owner(), more.id, 80));
    bench.world.run_for(5s);
    EXPECT_EQ(mailer.messages.size(), 2U);
    EXPECT_EQ(site.requests.size(), 1U);
}

TEST_F(AlertSenderTest, WhoCannotBeReachedIsTriedAgain) {
    auto& site = serve("8.8.8.8:80", {refused(), refused(), taken()});
    mailer.failures = 2;
    const auto budget = soft_budget({50}, "http://hooks.example/own");
    tell(budget.alerts[0].id, Channel::email, {"a@example.org"});
    spend("0.5");
    EXPECT_EQ(site.requests.size(), 1U);
    EXPECT_EQ(mailer.messages.size(), 1U);
    bench.world.run_for(5min);
    EXPECT_EQ(site.requests.size(), 3U);
    EXPECT_EQ(mailer.messages.size(), 3U);
    EXPECT_EQ(mailer.messages[0], mailer.messages[2]);
    const auto all = raised(budget);
    for (const auto& delivery : all.at(0).deliveries) {
        EXPECT_EQ(delivery.attempts, 3) << delivery.recipient;
        EXPECT_TRUE(delivery.delivered_at && !delivery.next_attempt_at) << delivery.recipient;
    }
}

TEST_F(AlertSenderTest, NobodyIsTriedForEver) {
    mailer.failures = 1000;
    const auto budget = soft_budget({50});
    tell(budget.alerts[0].id, Channel::email, {"a@example.org"});
    spend("0.5");
    for (int i = 0; i < 20; ++i) {  // instead of waiting for each attempt
        house->store->write_now([&](store::Tx& tx) {
            tx.run("update budget_deliveries set next_attempt_at = $1 where next_attempt_at is not null", bench.world.clock().now());
        });
        bench.world.run_for(3s);
    }
    EXPECT_EQ(mailer.messages.size(), 14U);
    const auto delivery = raised(budget).at(0).deliveries.at(0);
    EXPECT_FALSE(delivery.delivered_at || delivery.next_attempt_at);
}

TEST_F(AlertSenderTest, WhoeverWasRemovedIsNotToldAnyMore) {
    mailer.failures = 1000;
    const auto budget = soft_budget({50, 60});
    const auto gone = tell(budget.alerts[0].id, Channel::email, {"gone@example.org"});
    const auto changed = tell(budget.alerts[0].id, Channel::email, {"changed@example.org"});
    tell(budget.alerts[1].id, Channel::email, {"gone@example.org"});  // of another alert
    spend("0.5");
    EXPECT_EQ(mailer.messages.size(), 2U);
    bench.world.run(house->budgets->remove_notification(house->owner(), gone.id));
    bench.world.run(house->budgets->change_notification(house->owner(), changed.id, {Channel::email, {"new@example.org"}}));
    mailer.messages.clear();
    mailer.failures = 0;
    bench.world.run_for(1h);
    ASSERT_EQ(mailer.messages.size(), 1U);
    EXPECT_THAT(mailer.messages[0], HasSubstr("To: new@example.org"));
    bench.world.run(house->budgets->remove_alert(house->owner(), budget.alerts[0].id));
    spend("0.1");
    ASSERT_EQ(mailer.messages.size(), 2U);
    EXPECT_THAT(mailer.messages[1], HasSubstr("To: gone@example.org\nSubject: Budget alert: 60 percent"));
}

TEST_F(AlertSenderTest, OneThatNeverAnswersHoldsUpNobody) {
    auto& slow = serve("9.9.9.9:80", {{http::test::reads(), http::test::waits_for_close()}});
    auto& site = hook();
    const auto budget = soft_budget({50});
    tell(budget.alerts[0].id, Channel::webhook, {"http://slow.example/", "http://hooks.example/a"});
    tell(budget.alerts[0].id, Channel::email, {"a@example.org"});
    spend("0.5");
    EXPECT_EQ(site.requests.size(), 1U);
    EXPECT_EQ(mailer.messages.size(), 1U);
    EXPECT_EQ(slow.requests.size(), 1U);
    bench.world.run_for(30s);
    EXPECT_EQ(slow.closed_by_client, 1U);
    bench.world.run_for(30s);
    EXPECT_EQ(slow.requests.size(), 2U);
}

TEST_F(AlertSenderTest, WebhooksAreSignedWithTheBudgetsSecretAndOneIdOverAttempts) {
    auto& site = serve("8.8.8.8:80", {refused(), taken()});
    const auto budget = house->budget({.limit = eur("1"), .hard = false, .alerts = {50}, .webhook_secret = "a secret"});
    tell(budget.alerts[0].id, Channel::webhook, {"http://hooks.example/a"});
    spend("0.5");
    bench.world.run_for(1min);
    ASSERT_EQ(site.requests.size(), 2U);
    const auto line = [](const std::string& request, const std::string& name) {
        const auto at = request.find(name);
        return at == std::string::npos ? "none" : request.substr(at, request.find("\r\n", at) - at);
    };
    EXPECT_EQ(line(site.requests[0], "webhook-id: budget_"), line(site.requests[1], "webhook-id: budget_"));
    EXPECT_NE(line(site.requests[0], "webhook-id: "), "none");
    EXPECT_NE(line(site.requests[0], "webhook-signature: v1,"), "none");
}

}  // namespace
}  // namespace meridian::metering
