// Scaleway's billing/v2 through the real router: its forms, its errors, and what others may see.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/exchange.test.h"
#include "identity/door.test.h"
#include "metering/budget/house.test.h"

namespace meridian::metering {
namespace {

using testing::Bench;
using ::testing::HasSubstr;
using testing::House;

struct Answer {
    int status = 0;
    std::string text;
    Json json;
    [[nodiscard]] std::string word(std::string_view key) const {
        const auto* found = text_member(json, key);
        return found ? std::string(view(*found)) : "none";
    }
};

struct BillingTest : ::testing::Test {
    BillingTest() {
        door.caller = house.owner();
        add_scaleway_budget_routes(router, *house.budgets);
        add_budget_routes(router, *house.budgets);
    }
    Answer ask(const std::string& method, const std::string& path, const std::string& body = "") {
        http::test::WholeExchange exchange(method, path.starts_with("/") ? path : "/billing/v2/" + path, body);
        bench.world.run(router.handle(exchange));
        const auto& answer = exchange.answered.value();
        auto json = parse_json(answer.body);
        return {answer.status, answer.body, json ? *json : Json(nullptr)};
    }
    std::string made(const std::string& path, const std::string& body) {
        const auto answer = ask("POST", path, body);
        EXPECT_EQ(answer.status, 200) << answer.text;
        return answer.word("id");
    }
    std::string budget(const std::string& euros = "100") {
        return made("budgets", R"({"organization_id":")" + house.first.organization.str() + R"(","consumption_limit":)" + euros +
                                   R"(,"enabled":true})");
    }
    std::string alert(const std::string& of, const std::string& threshold = "50") {
        return made("budget-alerts", R"({"budget_id":")" + of + R"(","threshold":)" + threshold + "}");
    }

    Bench bench{5};
    House house{bench, "one", Mail::sent};
    identity::test::Door door;
    http::Router router{door};
};

TEST_F(BillingTest, ShowsABudgetWithItsAlertsAndRecipients) {
    const auto id = budget();
    const auto half = alert(id);
    const auto hooks =
        made("budget-alert-notifications", R"({"budget_alert_id":")" + half + R"(","webhook_urls":["https://a.example/hook"]})");
    const auto mails =
        made("budget-alert-notifications",
             R"({"budget_alert_id":")" + half + R"(","email_addresses":["a@example.org","b@example.org"],"webhook_urls":[]})");
    const auto shown = ask("GET", "budgets/" + id);
    EXPECT_EQ(shown.status, 200);
    EXPECT_EQ(shown.word("organization_id"), house.first.organization.str());
    EXPECT_EQ(to_text(shown.json.at("consumption_limit")), R"({"currency_code":"EUR","units":100,"nanos":0})");
    EXPECT_TRUE(shown.json.at("enabled").as_bool());
    EXPECT_NE(shown.word("created_at"), "none");
    const auto& alerts = shown.json.at("alerts").as_array();
    ASSERT_EQ(alerts.size(), 1U);
    EXPECT_EQ(view(alerts[0].at("id").as_string()), half);
    EXPECT_EQ(alerts[0].at("threshold").as_int64(), 50);
    const auto& told = alerts[0].at("notifications").as_array();
    ASSERT_EQ(told.size(), 2U);
    EXPECT_EQ(view(told[0].at("id").as_string()), hooks);
    EXPECT_EQ(view(told[0].at("type").as_string()), "webhook");
    EXPECT_EQ(view(told[1].at("id").as_string()), mails);
    EXPECT_EQ(view(told[1].at("type").as_string()), "email");
    EXPECT_EQ(to_text(told[1].at("recipients")), R"(["a@example.org","b@example.org"])");
    const auto ours = ask("GET", "/meridian/v1/budgets/" + id);
    EXPECT_FALSE(ours.json.at("hard").as_bool());
    EXPECT_EQ(to_text(ours.json.at("alerts")), "[50]");
    EXPECT_THAT(to_text(ours.json.at("alert_rules")), HasSubstr(mails));
}

TEST_F(BillingTest, ChangesAndRemovesThem) {
    const auto id = budget();
    const auto half = alert(id);
    const auto told = made("budget-alert-notifications", R"({"budget_alert_id":")" + half + R"(","webhook_urls":["https://a.example"]})");
    const auto changed = ask("PATCH", "budgets/" + id, R"({"enabled":false})");
    EXPECT_FALSE(changed.json.at("enabled").as_bool());
    EXPECT_EQ(changed.json.at("consumption_limit").at("units").as_int64(), 100);
    EXPECT_EQ(ask("PATCH", "budgets/" + id, R"({"consumption_limit":7})").json.at("consumption_limit").at("units").as_int64(), 7);
    EXPECT_EQ(ask("PATCH", "budget-alerts/" + half, R"({"threshold":80})").json.at("threshold").as_int64(), 80);
    const auto mails = ask("PATCH", "budget-alert-notifications/" + told, R"({"email_addresses":["a@example.org"]})");
    EXPECT_EQ(mails.word("type"), "email");
    EXPECT_EQ(mails.word("id"), told);
    EXPECT_EQ(ask("DELETE", "budget-alert-notifications/" + told).status, 204);
    EXPECT_EQ(ask("DELETE", "budget-alert-notifications/" + told).status, 404);
    EXPECT_EQ(ask("DELETE", "budget-alerts/" + half).status, 204);
    EXPECT_EQ(ask("PATCH", "budget-alerts/" + half, R"({"threshold":80})").word("resource"), "budget_alert");
    EXPECT_EQ(ask("DELETE", "budgets/" + id).status, 204);
    EXPECT_EQ(ask("GET", "budgets/" + id).word("type"), "not_found");
}

TEST_F(BillingTest, ListsTheMonthlyBudgetsOfTheOrganizationInPages) {
    const auto first = budget("1"), second = budget("2"), third = budget("3");
    house.budget({.scope = ScopeKind::project, .limit = Money::parse("4").value()});
    const auto daily = house.budget({.limit = Money::parse("5").value(), .period = Period::day});
    const auto cents = house.budget({.limit = Money::parse("6.25").value()});
    const auto page = ask("GET", "budgets?page=2&page_size=2");
    EXPECT_EQ(page.json.at("total_count").as_int64(), 4);
    const auto& budgets = page.json.at("budgets").as_array();
    ASSERT_EQ(budgets.size(), 2U);
    EXPECT_EQ(to_text(ask("GET", "budgets/" + cents.id.str()).json.at("consumption_limit")),
              R"({"currency_code":"EUR","units":6,"nanos":250000000})");
    EXPECT_EQ(ask("GET", "budgets/" + daily.id.str()).status, 404);
    EXPECT_EQ(ask("PATCH", "budgets/" + daily.id.str(), R"({"enabled":false})").status, 404);
    EXPECT_EQ(ask("DELETE", "budgets/" + daily.id.str()).status, 404);
    EXPECT_EQ(ask("GET", "budgets?organization_id=" + house.first.organization.str()).json.at("total_count").as_int64(), 4);
    EXPECT_EQ(ask("GET", "budgets?organization_id=00000000-0000-4000-8000-000000000000").status, 404);
}

TEST_F(BillingTest, RefusesWhatCannotBe) {
    const auto id = budget();
    const auto half = alert(id);
    const auto notify = R"({"budget_alert_id":")" + half + R"(",)";
    const std::string nobody = "00000000-0000-4000-8000-000000000000";
    struct Row {
        std::string method, path, body, type, says;
    };
    const Row rows[] = {
        {"POST", "budgets", R"({"enabled":true})", "invalid_arguments", "consumption_limit"},
        {"POST", "budgets", R"({"consumption_limit":-1,"enabled":true})", "invalid_arguments", "consumption_limit"},
        {"POST", "budgets", R"({"consumption_limit":1000000001,"enabled":true})", "invalid_arguments", "consumption_limit"},
        {"POST", "budgets", R"({"consumption_limit":1,"enabled":true,"organization_id":")" + nobody + "\"}", "not_found", "organization"},
        {"POST", "budget-alerts", R"({"budget_id":")" + id + R"(","threshold":0})", "invalid_arguments", "threshold"},
        {"POST", "budget-alerts", R"({"budget_id":")" + id + R"(","threshold":1001})", "invalid_arguments", "threshold"},
        {"POST", "budget-alerts", R"({"budget_id":")" + id + R"(","threshold":50})", "already_exists", "at 50 percent already"},
        {"POST", "budget-alerts", R"({"budget_id":")" + nobody + R"(","threshold":50})", "not_found", "\"resource\":\"budget\""},
        {"PATCH", "budget-alerts/" + nobody, R"({"threshold":50})", "not_found", "budget_alert"},
        {"DELETE", "budget-alerts/" + nobody, "", "not_found", "budget_alert"},
        {"POST", "budget-alert-notifications", notify + R"("sms_phone_numbers":["+33600000000"]})", "invalid_arguments",
         "no text messages are sent"},
        {"POST", "budget-alert-notifications", notify + R"("email_addresses":["nobody"]})", "invalid_arguments", "plain e-mail addresses"},
        {"POST", "budget-alert-notifications", notify + R"("webhook_urls":["gopher://x"]})", "invalid_arguments", "must be URLs"},
        {"POST", "budget-alert-notifications", notify + R"("webhook_urls":[]})", "invalid_arguments", "at least one recipient"},
        {"POST", "budget-alert-notifications", notify + R"("webhook_urls":["http://a.example"],"email_addresses":["a@example.org"]})",
         "invalid_arguments", "none where it has one"},
        {"POST", "budget-alert-notifications", R"({"budget_alert_id":")" + nobody + R"(","webhook_urls":["http://a.example"]})",
         "not_found", "budget_alert"},
        {"PATCH", "budget-alert-notifications/" + nobody, R"({"webhook_urls":["http://a.example"]})", "not_found",
         "budget_alert_notification"},
        {"DELETE", "budget-alert-notifications/nothing", "", "not_found", "budget_alert_notification"},
    };
    const auto before = ask("GET", "budgets").text;
    for (const auto& row : rows) {
        const auto answer = ask(row.method, row.path, row.body);
        EXPECT_EQ(answer.word("type"), row.type) << row.path << " " << row.body << " " << answer.text;
        EXPECT_THAT(answer.text, HasSubstr(row.says)) << row.path << " " << row.body;
    }
    EXPECT_EQ(ask("GET", "budgets").text, before);
    for (int percent = 51; percent < 66; ++percent) alert(id, std::to_string(percent));
    EXPECT_EQ(ask("POST", "budget-alerts", R"({"budget_id":")" + id + R"(","threshold":99})").word("type"), "quotas_exceeded");
}

TEST_F(BillingTest, AsksForTheRightsOfBudgetsAndHidesThoseOfOthers) {
    const auto id = budget();
    const auto half = alert(id);
    ask("DELETE", "budget-alerts/" + half);
    EXPECT_EQ(door.asked, "update budgets");
    const auto other = alert(id);
    auto stranger = house.owner(), guest = house.owner();
    stranger.organization = OrganizationId::random(bench.world.rng());
    guest.reach = guest.sight = identity::Reach::of({guest.project});
    for (const auto& caller : {stranger, guest}) {
        door.caller = caller;
        EXPECT_EQ(ask("GET", "budgets").json.at("total_count").as_int64(), 0);
        EXPECT_EQ(ask("GET", "budgets/" + id).status, 404);
        EXPECT_EQ(ask("PATCH", "budget-alerts/" + other, R"({"threshold":1})").status, 404);
        EXPECT_EQ(ask("DELETE", "budget-alerts/" + other).status, 404);
        EXPECT_EQ(ask("POST", "budget-alert-notifications", R"({"budget_alert_id":")" + other + R"(","webhook_urls":["http://a.example"]})")
                      .status,
                  404);
    }
    door.caller = house.owner();
    EXPECT_EQ(ask("GET", "budgets/" + id).json.at("alerts").as_array()[0].at("threshold").as_int64(), 50);
}

TEST(BillingWithoutAMailHook, SaysThatNobodyWouldBeTold) {
    Bench bench(5);
    House house(bench, "one");
    const auto budget = house.budget({.limit = Money::parse("1").value(), .alerts = {50}});
    try {
        bench.world.run(house.budgets->add_notification(house.owner(), budget.alerts[0].id, {Channel::email, {"a@example.org"}}));
        ADD_FAILURE() << "it was taken";
    } catch (const Error& e) {
        EXPECT_EQ(e.fault, Fault::invalid);
        EXPECT_EQ(e.fields.at(0).name, "email_addresses");
        EXPECT_THAT(e.fields.at(0).help, HasSubstr("sends no e-mail"));
    }
}

}  // namespace
}  // namespace meridian::metering
