// Bills, usage and footprint through the real router: equal to the sum of the receipts, and only what the caller may see.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>

#include "http/exchange.test.h"
#include "identity/door.test.h"
#include "metering/books/books.h"
#include "metering/books/event.h"
#include "metering/testing.h"

namespace meridian::metering {
namespace {

using namespace std::chrono_literals;

struct Answer {
    int status = 0;
    std::string text;
    Json json;
    [[nodiscard]] const JsonArray& list(std::string_view key) const { return json.at(key).as_array(); }
};

std::string text_in(const Json& json, std::string_view key) {
    const auto* text = text_member(json, key);
    return text ? std::string(view(*text)) : "none";
}
std::int64_t nanos_in(const Json& money) { return money.at("units").as_int64() * 1'000'000'000 + money.at("nanos").as_int64(); }

// Rows of fields; no field of these tests has a line break.
std::vector<std::vector<std::string>> parsed(const std::string& csv) {
    std::vector<std::vector<std::string>> rows(1, {""});
    bool is_quoted = false;
    for (std::size_t i = 0; i < csv.size(); ++i) {
        const char c = csv[i];
        if (c == '"' && is_quoted && csv[i + 1] == '"')
            rows.back().back() += csv[++i];
        else if (c == '"')
            is_quoted = !is_quoted;
        else if (c == ',' && !is_quoted)
            rows.back().emplace_back();
        else if (c == '\n')
            rows.push_back({""});
        else if (c != '\r')
            rows.back().back() += c;
    }
    rows.pop_back();
    return rows;
}

struct House {
    explicit House(std::optional<geography::Declaration> declared = {}) {
        bench.declared = std::move(declared);
        meter = bench.open();
        first = identity.bootstrap();
        door.caller.organization = first.organization;
        door.caller.project = first.project;
        door.caller.reach = door.caller.sight = identity::Reach::everywhere();
        add_book_routes(router, {.meter = *meter->meter,
                                 .identity = identity,
                                 .pool = bench.world.pool(),
                                 .clock = bench.world.clock(),
                                 .zone = {*geography::Zone::parse("fr-par-1"), bench.declared}});
    }
    Answer ask(const std::string& target, const std::string& accept = "", const std::string& method = "GET") {
        http::test::WholeExchange exchange(method, target);
        if (!accept.empty()) exchange.asked.headers.add("Accept", accept);
        bench.world.run(router.handle(exchange));
        const auto& answer = exchange.answered.value();
        auto json = parse_json(answer.body);
        return {answer.status, answer.body, json ? *json : Json(nullptr)};
    }
    Receipt run(const RunStart& start, const Usage& usage) { return (*meter)->settle((*meter)->hold(start), usage, Outcome::finished); }
    RunStart chat(const std::string& model = "tiny") const {
        auto start = testing::chat();
        start.organization = first.organization;
        start.project = first.project;
        start.model = model;
        return start;
    }
    testing::Bench bench;
    std::unique_ptr<store::Store> store = [this] {
        auto opened =
            store::Store::open(bench.world.disk(), bench.world.clock(), bench.world.pool(), {.path = "/data/control/meridian.db"});
        if (!opened) throw std::runtime_error(opened.error().said);
        return std::move(*opened);
    }();
    identity::Identity identity{*store, bench.world.clock(), bench.world.rng()};
    identity::Bootstrap first;
    std::unique_ptr<testing::Running> meter;
    identity::test::Door door;
    http::Router router{door};
};

// Random runs of two projects over some weeks; every answer's costs add up to those of the receipts.
RC_GTEST_PROP(Books, EveryAnswerAddsUpToTheReceipts, ()) {
    House house;
    const auto other = house.bench.world.run(house.identity.create_project(house.door.caller, "other", "")).id;
    std::int64_t cost = 0, runs = 0, tokens = 0;
    std::map<std::string, std::int64_t> by_month;
    const auto count = *rc::gen::inRange(1, 25);
    for (int i = 0; i < count; ++i) {
        auto start = house.chat(*rc::gen::element<std::string>("tiny", "large, \"best\"", "=1+1"));
        if (*rc::gen::arbitrary<bool>()) start.project = other;
        start.kind = *rc::gen::element(Kind::chat, Kind::embedding, Kind::quantum_job, Kind::quantum_booking);
        start.price = {.input_per_million = Money::nanos(*rc::gen::inRange(0, 1'000'000'000)), .per_hour = *Money::parse("7.123456789")};
        const auto month = rfc3339(house.bench.world.clock().now()).substr(0, 7);
        Usage usage{.input_tokens = *rc::gen::inRange(0, 1'000'000), .milliseconds = *rc::gen::inRange(0, 10'000'000)};
        const auto receipt = house.run(start, usage);
        cost += receipt.cost.count();
        by_month[month] += receipt.cost.count();
        tokens += is_by_token(start.kind) ? usage.input_tokens : 0;
        ++runs;
        house.bench.world.jump_wall_clock(std::chrono::minutes(*rc::gen::inRange(0, 5000)));
    }
    for (const auto* by : {"", "&group_by=day&time_zone=Europe/Paris", "&group_by=project&group_by=model", "&group_by=month&group_by=kind",
                           "&group_by=principal&group_by=zone"}) {
        const auto from = rfc3339(house.bench.world.clock().now() - 24h * 120), to = rfc3339(house.bench.world.clock().now() + 24h);
        const auto target = "/meridian/v1/usage?from=" + from + "&to=" + to + by;
        std::int64_t sum = 0, count_of_runs = 0, input = 0;
        const auto answer = house.ask(target);
        RC_ASSERT(answer.status == 200);
        for (const auto& line : answer.list("usage")) {
            sum += Money::parse(text_in(line, "cost")).value().count();
            count_of_runs += line.at("runs").as_int64();
            input += line.at("input_tokens").as_int64();
        }
        RC_ASSERT(sum == cost);
        RC_ASSERT(count_of_runs == runs);
        RC_ASSERT(input == tokens);
        const auto csv = parsed(house.ask(target, "text/csv").text);
        const auto column = static_cast<std::size_t>(std::ranges::find(csv[0], "cost") - csv[0].begin());
        sum = 0;
        for (std::size_t i = 1; i < csv.size(); ++i) sum += Money::parse(csv[i].at(column)).value().count();
        RC_ASSERT(sum == cost);
    }
    std::int64_t billed = 0;
    for (const auto& invoice : house.ask("/billing/v2beta1/invoices").list("invoices")) {
        const auto month = text_in(invoice, "billing_period").substr(0, 7);
        RC_ASSERT(nanos_in(invoice.at("total_untaxed")) == by_month[month]);
        billed += by_month[month];
        std::int64_t consumed = 0;
        for (const auto& line : house.ask("/billing/v2beta1/consumptions?page_size=1000&billing_period=" + month).list("consumptions"))
            consumed += nanos_in(line.at("value"));
        RC_ASSERT(consumed == by_month[month]);
        const auto file = parsed(house.ask("/billing/v2beta1/invoices/" + text_in(invoice, "id") + "/download?dl=1").text);
        RC_ASSERT(Money::parse(file.back().at(8)).value().count() == by_month[month]);
    }
    RC_ASSERT(billed == cost);
    const auto focus = parsed(house.ask("/meridian/v1/costs/focus?from=" + rfc3339(house.bench.world.clock().now() - 24h * 120)).text);
    std::int64_t focused = 0;
    for (std::size_t i = 1; i < focus.size(); ++i) {
        RC_ASSERT(focus[i].size() == focus[0].size());
        focused += Money::parse(focus[i].at(1)).value().count();
    }
    RC_ASSERT(focus[0].at(1) == "BilledCost");
    RC_ASSERT(focused == cost);
}

// The columns that FOCUS 1.2 wants of every file, and what may stand in them.
TEST(Books, WriteFocusAsItsSpecificationWants) {
    House house;
    house.run(house.chat(), {1000, 2000, 0});
    auto job = house.chat("EMU");
    job.kind = Kind::quantum_job;
    job.price = {.per_hour = *Money::parse("1")};
    house.run(job, {.milliseconds = 60'000, .energy = Millijoules(5)});
    const auto rows = parsed(house.ask("/meridian/v1/costs/focus").text);
    ASSERT_EQ(rows.size(), 3u);
    std::map<std::string, std::size_t> at;
    for (std::size_t i = 0; i < rows[0].size(); ++i) EXPECT_TRUE(at.emplace(rows[0][i], i).second) << rows[0][i];
    const std::set<std::string> may_be_empty{"ChargeClass"};
    for (const auto* mandatory :
         {"BilledCost",     "BillingAccountId",  "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",  "BillingPeriodStart",
          "ChargeCategory", "ChargeClass",       "ChargeDescription",  "ChargePeriodEnd", "ChargePeriodStart", "ContractedCost",
          "EffectiveCost",  "InvoiceIssuerName", "ListCost",           "PricingQuantity", "PricingUnit",       "ProviderName",
          "PublisherName",  "ServiceCategory",   "ServiceName"}) {
        ASSERT_TRUE(at.contains(mandatory)) << mandatory;
        for (std::size_t i = 1; i < rows.size(); ++i)
            EXPECT_NE(rows[i][at[mandatory]].empty(), !may_be_empty.contains(mandatory)) << mandatory;
    }
    for (const auto& [name, index] : at)
        EXPECT_TRUE(name.starts_with("x_") || std::isupper(static_cast<unsigned char>(name[0])) != 0) << name;
    for (std::size_t i = 1; i < rows.size(); ++i) {
        const auto& row = rows[i];
        for (const auto* time : {"BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart"}) {
            EXPECT_EQ(row[at[time]].size(), std::string_view("2026-11-25T00:00:00Z").size());
            EXPECT_TRUE(parse_rfc3339(row[at[time]])) << row[at[time]];
        }
        for (const auto* cost : {"BilledCost", "EffectiveCost", "ListCost", "ContractedCost"})
            EXPECT_TRUE(Money::parse(row[at[cost]])) << cost;
        EXPECT_EQ(row[at["ChargeCategory"]], "Usage");
        EXPECT_EQ(row[at["BillingCurrency"]], "EUR");
        EXPECT_EQ(row[at["SubAccountName"]], "default");
        EXPECT_LE(row[at["BillingPeriodStart"]], row[at["ChargePeriodStart"]]);
        EXPECT_GE(row[at["BillingPeriodEnd"]], row[at["ChargePeriodEnd"]]);
    }
    const auto& of_job = rows[1][at["ServiceCategory"]] == "Compute" ? rows[1] : rows[2];
    EXPECT_EQ(of_job[at["ServiceSubcategory"]], "Quantum Compute");
    EXPECT_EQ(of_job[at["x_EnergyMillijoules"]], "5");
}

TEST(Books, ShowOnlyWhatTheCallerMaySee) {
    House house;
    const auto other = house.bench.world.run(house.identity.create_project(house.door.caller, "other", "")).id;
    auto theirs = house.chat();
    theirs.project = other;
    house.run(house.chat(), {1000, 0, 0});
    house.run(theirs, {2000, 0, 0});
    auto foreign = house.chat();
    foreign.organization = OrganizationId(Uuid{{7}});
    house.run(foreign, {4000, 0, 0});
    const auto tokens = [&](const std::string& more) {
        return house.ask("/meridian/v1/usage?group_by=zone" + more).list("usage").at(0).at("input_tokens").as_int64();
    };
    EXPECT_EQ(tokens(""), 3000);
    EXPECT_EQ(tokens("&project_id=" + other.str()), 2000);
    EXPECT_EQ(house.door.asked, "read billing");
    house.door.caller.reach = house.door.caller.sight = identity::Reach::of({house.first.project});
    EXPECT_EQ(tokens(""), 1000);
    for (const auto& hidden : {"/meridian/v1/usage?project_id=" + other.str(), "/billing/v2beta1/consumptions?project_id=" + other.str(),
                               "/meridian/v1/costs/focus?project_id=" + other.str(), "/meridian/v1/changes?project_id=" + other.str(),
                               "/billing/v2beta1/consumptions?organization_id=" + foreign.organization.str(),
                               "/environmental-footprint/v1alpha1/data/query?project_ids=" + other.str(),
                               "/audit-trail/v1alpha1/regions/fr-par/events?organization_id=" + foreign.organization.str()})
        EXPECT_EQ(house.ask(hidden).status, 404) << hidden;
    EXPECT_EQ(house.ask("/billing/v2beta1/invoices").list("invoices").size(), 0u) << "a bill is of the whole organization";
}

TEST(Books, BillMonthsAndSayWhichAreStillDrafts) {
    House house;
    house.run(house.chat(), {1'000'000, 0, 0});
    house.bench.world.jump_wall_clock(24h * 40);
    house.run(house.chat(), {2'000'000, 0, 0});
    auto invoices = house.ask("/billing/v2beta1/invoices").list("invoices");
    ASSERT_EQ(invoices.size(), 2u);
    EXPECT_EQ(text_in(invoices[0], "state"), "draft");
    EXPECT_EQ(text_in(invoices[0], "issued_date"), "none");
    EXPECT_EQ(text_in(invoices[1], "state"), "issued");
    EXPECT_GT(invoices[0].at("number").as_int64(), invoices[1].at("number").as_int64());
    EXPECT_EQ(house.ask("/billing/v2beta1/invoices?order_by=total_untaxed_asc").list("invoices").at(0), invoices[1]);
    EXPECT_EQ(house.ask("/billing/v2beta1/invoices?invoice_type=credit_note").list("invoices").size(), 0u);
    EXPECT_EQ(house.ask("/billing/v2beta1/invoices?page=2&page_size=1").list("invoices").at(0), invoices[1]);
    EXPECT_EQ(house.ask("/billing/v2beta1/invoices/" + text_in(invoices[1], "id")).json, invoices[1]);
    EXPECT_EQ(house.ask("/billing/v2beta1/invoices/00000000-0000-4000-8000-000000000000").status, 404);
    EXPECT_EQ(parsed(house.ask("/billing/v2beta1/export-invoices?dl=true").text).size(), 3u);
    EXPECT_EQ(house.ask("/billing/v2beta1/consumptions?billing_period=2026-13").status, 400);
    EXPECT_EQ(house.ask("/billing/v2beta1/taxes").list("taxes").size(), 0u);
    EXPECT_EQ(house.ask("/billing/v2beta1/discounts").list("discounts").size(), 0u);
    EXPECT_EQ(house.ask("/billing/v2beta1/redeem-coupon?code=x", "", "POST").status, 412);
}

TEST(Books, NameAWrongParameter) {
    House house;
    for (const auto* wrong : {"group_by=colour", "from=yesterday", "time_zone=Mars/Base", "group_by=day&from=1990-01-01T00:00:00Z",
                              "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "project_id=x"})
        EXPECT_EQ(house.ask(std::string("/meridian/v1/usage?") + wrong).status, 400) << wrong;
}

TEST(Books, NeverSayZeroOfWhatNobodyKnows) {
    const std::string query = "/environmental-footprint/v1alpha1/data/query";
    auto job = [](const House& house) {
        auto start = house.chat("EMU");
        start.kind = Kind::quantum_job;
        start.price = {};
        return start;
    };
    {
        House house;
        house.run(job(house), {.energy = Millijoules(3'600'000'000)});
        EXPECT_TRUE(house.ask(query).json.at("total_impact").is_null()) << "nothing was declared";
        const auto known = house.ask("/meridian/v1/footprint").json;
        EXPECT_EQ(known.at("energy_mj").as_int64(), 3'600'000'000);
        EXPECT_TRUE(known.at("kg_co2_equivalent").is_null());
    }
    geography::Declaration declared{"Paris, FR", "FR", "us", *parse_rfc3339("2026-01-01T00:00:00Z"), {}, 56, 1800};
    House house(declared);
    house.run(job(house), {.energy = Millijoules(3'600'000'000)});
    const auto whole = house.ask(query).json;
    EXPECT_NEAR(whole.at("total_impact").at("kg_co2_equivalent").as_double(), 0.056, 1e-12);
    EXPECT_NEAR(whole.at("total_impact").at("m3_water_usage").as_double(), 0.0018, 1e-12);
    const auto& region = whole.at("projects").at(0).at("regions").at(0);
    EXPECT_EQ(region.at("zones").at(0).at("skus").at(0).at("total_sku_impact"), whole.at("total_impact"));
    EXPECT_TRUE(house.ask(query + "?zones=nl-ams-1").list("projects").empty());
    EXPECT_TRUE(house.ask(query + "?service_categories=ai").list("projects").empty());

    house.run(house.chat(), {1, 1, 0});
    EXPECT_TRUE(house.ask(query).json.at("total_impact").is_null()) << "part of an impact is not the impact";
    EXPECT_FALSE(house.ask(query + "?service_categories=compute").json.at("total_impact").is_null());
    const auto known = house.ask("/meridian/v1/footprint").json;
    EXPECT_EQ(known.at("runs").as_int64(), 2);
    EXPECT_EQ(known.at("runs_without_energy").as_int64(), 1);
    EXPECT_NEAR(known.at("kg_co2_equivalent").as_double(), 0.056, 1e-12);
    house.bench.world.jump_wall_clock(24h * 40);
    EXPECT_EQ(house.ask("/environmental-footprint/v1alpha1/reports/availability").list("month_summary_reports").size(), 1u);
}

TEST(Books, ShowChangesAsAuditTrail) {
    House house;
    AdminEvent event;
    event.at = house.bench.world.clock().now();
    event.organization = house.first.organization;
    event.operation = "CreateAPIKey";
    event.product = "iam";
    event.resource_type = "api_keys";
    event.resource = "SCWAAAAAAAAAAAAAAAAA";
    event.address = "192.0.2.7";
    event.after = "sha256:00";
    for (std::uint8_t i = 1; i <= 3; ++i) {
        event.id = EventId(Uuid{{i}});
        event.name = std::string(1, static_cast<char>('a' + i));
        (*house.meter)->log_event(event);
    }
    const std::string trail = "/audit-trail/v1alpha1/regions/fr-par";
    const auto first = house.ask(trail + "/events?page_size=2&organization_id=" + house.first.organization.str());
    EXPECT_EQ(house.door.asked, "read events");
    ASSERT_EQ(first.list("events").size(), 2u);
    const auto& shown = first.list("events")[0];
    EXPECT_EQ(text_in(shown, "method_name"), "CreateAPIKey");
    EXPECT_EQ(text_in(shown, "service_name"), "scaleway.iam.Api");
    EXPECT_EQ(text_in(shown.at("resources").at(0), "type"), "iam_api_key");
    EXPECT_EQ(text_in(shown.at("resources").at(0), "action"), "create");
    const auto rest = house.ask(trail + "/events?page_size=2&page_token=" + text_in(first.json, "next_page_token"));
    EXPECT_EQ(rest.list("events").size(), 1u);
    EXPECT_TRUE(rest.json.at("next_page_token").is_null());
    const auto count = [&](const std::string& filter) { return house.ask(trail + "/events?" + filter).list("events").size(); };
    EXPECT_EQ(count("resource_type=iam_api_key&product_name=iam&service_name=scaleway.iam.Api&status=200"), 3u);
    EXPECT_EQ(count("project_id=" + house.first.project.str()), 3u) << "what belongs to no project is everybody's who may see all";
    EXPECT_EQ(count("resource_type=kube_pool"), 0u);
    EXPECT_EQ(count("status=403"), 0u);
    EXPECT_EQ(count("source_ip=192.0.2.8"), 0u);
    house.bench.world.jump_wall_clock(2h);
    EXPECT_EQ(count(""), 0u) << "the last hour's, unless they say otherwise";
    EXPECT_EQ(count("recorded_after=2020-01-01T00:00:00Z"), 3u);
    EXPECT_EQ(house.ask(trail + "/last-events-overview").list("last_events").size(), 3u);
    EXPECT_EQ(house.ask("/meridian/v1/changes").list("changes").size(), 3u);
    EXPECT_EQ(house.ask(trail + "/combined-events?recorded_after=2020-01-01T00:00:00Z").list("events").at(0).at("api"), shown);
    EXPECT_TRUE(house.ask(trail + "/authentication-events").list("events").empty());
    EXPECT_EQ(house.ask(trail + "/export-jobs", "", "POST").status, 412);
    EXPECT_EQ(house.ask(trail + "/export-jobs/x", "", "DELETE").status, 404);
    EXPECT_EQ(house.ask("/audit-trail/v1alpha1/regions/nl-ams/events").status, 400);
    house.door.caller.reach = house.door.caller.sight = identity::Reach::of({house.first.project});
    EXPECT_TRUE(house.ask("/meridian/v1/changes").list("changes").empty()) << "a key belongs to no project";
}

TEST(Books, ShowOneChangeWithItsProofToThoseWhoMaySeeIt) {
    House house;
    AdminEvent event;
    event.id = EventId(Uuid{{5}});
    event.at = house.bench.world.clock().now();
    event.organization = house.first.organization;
    event.project = house.first.project;
    event.operation = "CreateModel";
    event.resource_type = "models";
    event.resource = "m";
    (*house.meter)->log_event(event);
    const auto run = house.run(house.chat(), {1, 1, 0});
    const auto at = "/meridian/v1/changes/" + event.id.str();
    const auto file = house.ask(at);
    EXPECT_EQ(house.door.asked, "read events");
    ASSERT_EQ(file.status, 200);
    EXPECT_EQ(text_in(file.json, "type"), "meridian-event/v1");
    EXPECT_EQ(text_in(file.json.at("event"), "operation"), "CreateModel");
    EXPECT_TRUE(Meter::verify_file(file.text, house.meter->meter->verifier_key()).good);
    const auto token = house.ask(at, "application/jose").text;
    EXPECT_EQ(std::ranges::count(token, '.'), 2);
    EXPECT_EQ(house.ask("/meridian/v1/changes/" + run.id.str()).status, 404) << "a receipt is no change";
    EXPECT_EQ(house.ask("/meridian/v1/changes/nonsense").status, 404);
    const auto other = house.bench.world.run(house.identity.create_project(house.door.caller, "other", "")).id;
    house.door.caller.reach = house.door.caller.sight = identity::Reach::of({other});
    EXPECT_EQ(house.ask(at).status, 404) << "of another project";
    house.door.caller.reach = house.door.caller.sight = identity::Reach::everywhere();
    house.door.caller.organization = OrganizationId(Uuid{{9}});
    EXPECT_EQ(house.ask(at).status, 404) << "of another organization";
}

}  // namespace
}  // namespace meridian::metering
