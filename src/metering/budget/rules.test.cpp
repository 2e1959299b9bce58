// One budget as a value, its alert as an e-mail, and budgets of an older program.
#include "metering/budget/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metering/budget/mail.h"
#include "metering/budget/store.h"
#include "store/migrations.h"
#include "store/testing.h"

namespace meridian::metering {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Money eur(std::string_view text) { return Money::parse(text).value(); }

std::optional<Fault> fault_of(const std::function<void()>& f) {
    try {
        f();
        return std::nullopt;
    } catch (const Error& e) {
        return e.fault;
    }
}

TEST(BudgetRules, TakeRecipientsThatCanBeTold) {
    struct Row {
        Channel channel;
        std::string address;
        bool is_good;
    };
    const Row rows[] = {
        {Channel::email, "a@example.org", true},
        {Channel::email, "first.last+tag@sub.example.org", true},
        {Channel::email, "", false},
        {Channel::email, "@example.org", false},
        {Channel::email, "a@", false},
        {Channel::email, "a@b@c", false},
        {Channel::email, "a b@example.org", false},
        {Channel::email, "a@example.org\nBcc: b@example.org", false},
        {Channel::email, "a@example.org,b@example.org", false},
        {Channel::email, "A <a@example.org>", false},
        {Channel::email, "\"a\"@example.org", false},
        {Channel::email, "\xC3\xA9@example.org", false},
        {Channel::email, std::string(email_address_max - 12, 'x') + "@example.org", true},
        {Channel::email, std::string(email_address_max - 11, 'x') + "@example.org", false},
        {Channel::webhook, "https://example.org/hook?x=1", true},
        {Channel::webhook, "http://127.0.0.1:8080", true},
        {Channel::webhook, "gopher://example.org", false},
        {Channel::webhook, "a@example.org", false},
        {Channel::webhook, "https://example.org/" + std::string(hook_url_max, 'x'), false},
    };
    for (const auto& row : rows) {
        const auto fault = fault_of([&] { check(Recipients{row.channel, {row.address}}, Mail::sent); });
        EXPECT_EQ(fault, row.is_good ? std::nullopt : std::optional(Fault::invalid)) << row.address;
    }
    EXPECT_EQ(fault_of([] { check(Recipients{Channel::webhook, {}}, Mail::sent); }), Fault::invalid);
    EXPECT_EQ(fault_of([] { check(Recipients{Channel::email, {"a@example.org"}}, Mail::not_sent); }), Fault::invalid);
}

TEST(BudgetRules, KeepTheAlertsThatStayWhenPercentsAreNamed) {
    SeededRng rng(1);
    Budget budget;
    set_percents(budget, {50, 100, 50}, Timestamp(), rng);
    EXPECT_THAT(percents_of(budget), ElementsAre(50, 100));
    budget.alerts[1].notifications.push_back({BudgetNotificationId::random(rng), Channel::webhook, {"http://a.example"}, {}, {}});
    const auto kept = budget.alerts[1];
    set_percents(budget, {100, 120}, Timestamp(), rng);
    EXPECT_THAT(percents_of(budget), ElementsAre(100, 120));
    EXPECT_EQ(budget.alerts[0].id, kept.id);
    EXPECT_EQ(budget.alerts[0].notifications.at(0).id, kept.notifications[0].id);
    EXPECT_TRUE(is_recipient(budget, 100, Channel::webhook, "http://a.example"));
    EXPECT_FALSE(is_recipient(budget, 120, Channel::webhook, "http://a.example"));
    EXPECT_FALSE(is_recipient(budget, 50, Channel::webhook, "http://a.example"));
    EXPECT_FALSE(is_recipient(budget, 100, Channel::email, "http://a.example"));
    EXPECT_FALSE(is_recipient(budget, 100, Channel::webhook, ""));
    budget.webhook_url = "http://own.example";
    EXPECT_TRUE(is_recipient(budget, 100, Channel::webhook, ""));
    EXPECT_FALSE(is_recipient(budget, 50, Channel::webhook, ""));
}

TEST(BudgetRules, LimitAlertsAndRecipients) {
    SeededRng rng(1);
    Budget budget;
    for (std::uint32_t percent = 1; percent <= alerts_max; ++percent)
        budget.alerts.push_back({BudgetAlertId::random(rng), percent, {}, {}, {}});
    EXPECT_EQ(fault_of([&] { check(budget); }), std::nullopt);
    budget.alerts.push_back({BudgetAlertId::random(rng), 1000, {}, {}, {}});
    EXPECT_EQ(fault_of([&] { check(budget); }), Fault::quota);
    budget.alerts.back().percent = 1;
    EXPECT_EQ(fault_of([&] { check(budget); }), Fault::conflict);
    budget.alerts.resize(1);
    budget.alerts[0].notifications.push_back({{}, Channel::webhook, std::vector<std::string>(recipients_max, "http://a.example"), {}, {}});
    EXPECT_EQ(fault_of([&] { check(budget); }), std::nullopt);
    budget.alerts[0].notifications.push_back({{}, Channel::webhook, {"http://a.example"}, {}, {}});
    EXPECT_EQ(fault_of([&] { check(budget); }), Fault::quota);
}

TEST(AlertMail, IsOneMessageForOneRecipientWhateverTheBudgetIsCalled) {
    Budget budget;
    budget.name = "team\nBcc: everybody@example.org\n\n.\n";
    budget.limit = eur("100");
    const rows::Alert alert{budget.id, Timestamp(), 50, eur("51.2"), Timestamp()};
    const auto mail = alert_mail(budget, alert, "a@example.org");
    const auto head = mail.substr(0, mail.find("\n\n") + 1);
    EXPECT_TRUE(head.starts_with("To: a@example.org\nSubject: Budget alert: 50 percent of 100 EUR are spent\nMessage-ID: <budget_"));
    EXPECT_THAT(head, ::testing::Not(HasSubstr("Bcc")));
    EXPECT_THAT(mail.substr(head.size()), HasSubstr("51.2 EUR of 100 EUR are spent"));
    EXPECT_THAT(mail.substr(head.size()), HasSubstr("What would pass the limit is refused."));
}

// Rows as the program before 0013 left them.
TEST(BudgetMigration, KeepsBudgetsWithTheirAlertsAndWhatWasTold) {
    sim::World world(1);
    const auto all = store::migrations("control");
    const auto before = all.first(12);
    ASSERT_EQ(before.back().name, "0012_hours");
    const std::string id = "0b0a7f5e-7a34-4c1c-9d61-0f3a3f6f2a11", other = "1b0a7f5e-7a34-4c1c-9d61-0f3a3f6f2a11";
    {
        const auto old =
            store::open_sqlite(world.disk(), world.clock(), world.pool(), store::OpenOptions{.path = store::test_path}, before).value();
        old->write_now([&](store::Tx& tx) {
            for (const auto& [budget, alerts] : {std::pair(id, "[80,50,50]"), std::pair(other, "[]")})
                tx.run(
                    "insert into budgets values ($1, '11111111-1111-4111-8111-111111111111', 'kept', 'organization', "
                    "'11111111-1111-4111-8111-111111111111', 5000000000, 'monthly', 'Europe/Paris', 1, 1, $2, 'http://a.example', "
                    "'sealed', "
                    "1764000000123456, 1764000001000000)",
                    budget, alerts);
            tx.run("insert into budget_alerts values ($1, 1761951600000000, 50, 2500000000, 1764000002000000, 1764000003000000, 2, null)",
                   id);
            tx.run("insert into budget_alerts values ($1, 1761951600000000, 80, 4000000000, 1764000004000000, null, 3, 1764000005000000)",
                   id);
            tx.run("insert into budget_alerts values ($1, 1759269600000000, 50, 2500000000, 1764000000000000, null, 0, null)", id);
        });
    }
    const auto opened = store::open_store(world);
    opened->read_now([&](store::Tx& tx) {
        const auto found = rows::budget(tx, *BudgetId::parse(id));
        ASSERT_TRUE(found);
        EXPECT_EQ(found->limit, eur("5"));
        EXPECT_EQ(found->name, "kept");
        EXPECT_EQ(found->webhook_secret, "sealed");
        EXPECT_THAT(percents_of(*found), ::testing::UnorderedElementsAre(50, 80));
        EXPECT_NE(found->alerts.at(0).id, found->alerts.at(1).id);
        EXPECT_EQ(found->alerts[0].id, rows::budget(tx, found->id)->alerts[0].id);
        EXPECT_EQ(rfc3339(found->alerts[0].created_at).substr(0, 19), "2025-11-24T16:00:00");
        EXPECT_TRUE(rows::budget(tx, *BudgetId::parse(other))->alerts.empty());
        const auto raised = rows::alerts_of(tx, found->id);  // newest first
        ASSERT_EQ(raised.size(), 3U);
        ASSERT_EQ(raised[0].deliveries.size(), 1U);
        EXPECT_EQ(raised[0].percent, 80U);
        EXPECT_EQ(raised[0].deliveries[0].attempts, 3);
        EXPECT_EQ(raised[0].deliveries[0].recipient, "");
        EXPECT_TRUE(raised[0].deliveries[0].next_attempt_at);
        EXPECT_TRUE(raised[1].deliveries.at(0).delivered_at);
        EXPECT_TRUE(raised[2].deliveries.empty());
        const auto due = rows::due_deliveries(tx, Channel::webhook, raised[0].deliveries[0].next_attempt_at.value(), 10);
        ASSERT_EQ(due.size(), 1U);
        EXPECT_EQ(due[0].alert.spent, eur("4"));
    });
}

}  // namespace
}  // namespace meridian::metering
