// What is for sale, through the real router and price list, as Scaleway's clients read it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "catalog/platforms.h"
#include "fleet/node_catalogue.h"
#include "http/exchange.test.h"
#include "identity/door.test.h"
#include "marketplace/applications.h"
#include "marketplace/products.h"
#include "store/testing.h"

namespace meridian::marketplace {
namespace {

using metering::Tier;
using metering::Unit;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Money eur(std::string_view text) { return Money::parse(text).value(); }
geography::Zone zone() { return geography::Zone::parse("fr-par-1").value(); }

Json shipped(const std::string& name) {
    std::ifstream in(std::filesystem::path(std::getenv("MERIDIAN_SOURCE")) / "catalog" / name);  // ctest sets it
    const auto json = catalog::json_of_yaml(std::string(std::istreambuf_iterator<char>(in), {}));
    EXPECT_TRUE(json) << (json ? "" : json.error().said);
    return json.value_or(Json());
}

std::vector<fleet::CatalogueType> shipped_types() {
    auto types = fleet::read_node_types(shipped("node-types.yaml"));
    EXPECT_TRUE(types) << (types ? "" : types.error().said);
    return types.value_or(std::vector<fleet::CatalogueType>());
}

Applications shipped_applications() {
    auto all = read_applications(shipped("marketplace.yaml"));
    EXPECT_TRUE(all) << (all ? "" : all.error().said);
    return all.value_or(Applications());
}

// Two L4 and enough of everything else for one, not for two.
fleet::Node small_gpu_host() {
    fleet::Node node{
        .id = {}, .name = "n", .zone = zone(), .arch = "x86_64", .cpus = 16, .memory_bytes = 96ull << 30, .gpus = {}, .sandbox_layers = {}};
    for (int i = 0; i < 2; ++i) node.gpus.push_back({"NVIDIA L4", "GPU-" + std::to_string(i), 23034ull << 20, i});
    return node;
}

catalog::Model model(std::string name, catalog::Capability can) {
    catalog::Model made;
    made.name = std::move(name);
    made.title = "A model";
    made.capabilities = {can};
    made.input_per_million = eur("0.2");
    made.output_per_million = eur("0.4");
    return made;
}

struct Market : ::testing::Test {
    sim::World world{7};
    std::unique_ptr<store::Store> store = store::open_store(world);
    metering::Prices prices{*store,
                            world.clock(),
                            world.rng(),
                            zone(),
                            {{.sku = "L4-1-24G", .unit = Unit::node_second, .rate = eur("0.75"), .per = 3600},
                             {.sku = "team/talk", .unit = Unit::input_token, .rate = eur("0.1"), .per = 1'000'000, .tier = Tier::batch},
                             {.sku = "team/talk", .unit = Unit::cached_token, .rate = eur("0.000000001"), .per = 1'000'000},
                             {.sku = "EMU-AER", .unit = Unit::session_hour, .rate = eur("1.5")}}};
    std::vector<fleet::NodeType> types = fleet::node_types(std::vector{small_gpu_host()}, shipped_types());
    std::vector<catalog::Model> models{model("team/talk", catalog::Capability::chat), model("vectors", catalog::Capability::embedding)};
    Shelf shelf{.node_types = [this] { return types; },
                .models = [this] { return models; },
                .quantum = {{"EMU-AER", "An emulator.", {.per_hour = eur("0.12"), .per_shot = eur("0.001")}}},
                .prices = prices,
                .zone = {zone(), std::nullopt}};
    identity::test::Door door;
    std::optional<http::Router> router;

    void SetUp() override {
        prices.load();
        open();
    }
    void open() {
        router.emplace(door);
        add_product_routes(*router, shelf);
        add_server_routes(*router, shelf);
        add_image_routes(*router, shipped_applications(), shelf.node_types, zone());
    }
    http::Response ask(const std::string& target) {
        http::test::WholeExchange exchange("GET", target);
        world.run(router->handle(exchange));
        EXPECT_EQ(door.asked, "any public");
        return exchange.answered.value();
    }
    Json get(const std::string& target) {
        const auto answer = ask(target);
        EXPECT_EQ(answer.status, 200) << target << answer.body;
        return parse_json(answer.body).value();
    }
    JsonArray products(const std::string& query = "") {
        return get("/product-catalog/v2alpha1/public-catalog/products?page_size=1000" + query).at("products").as_array();
    }
    Json product(std::string_view sku) {
        for (auto& one : products())
            if (one.at("sku").as_string() == sku) return one;
        ADD_FAILURE() << "no product " << sku;
        return JsonObject();
    }
};

const std::string servers = "/instance/v1/zones/fr-par-1/products/servers";

TEST_F(Market, ANodeTypeHasItsPriceHardwareAndLife) {
    const auto l4 = product("/compute/l4_1_24g/run_fr-par-1");
    EXPECT_EQ(l4.at("price").at("retail_price"), parse_json(R"({"currency_code":"EUR","units":0,"nanos":750000000})").value());
    EXPECT_EQ(l4.at("unit_of_measure"), parse_json(R"({"unit":"hour","size":1})").value());
    EXPECT_EQ(l4.at("locality"), parse_json(R"({"global":null,"region":null,"zone":"fr-par-1","datacenter":null})").value());
    EXPECT_EQ(l4.at("status"), "general_availability");
    const auto& hardware = l4.at("properties").at("hardware");
    EXPECT_EQ(hardware.at("cpu").at("virtual").at("count"), 8);
    EXPECT_EQ(hardware.at("cpu").at("arch"), "x64");
    EXPECT_EQ(hardware.at("gpu").at("count"), 1);
    EXPECT_EQ(hardware.at("gpu").at("type"), "L4");
    EXPECT_EQ(hardware.at("ram").at("size"), 48'000'000'000);
    EXPECT_EQ(hardware.at("network").at("max_public_bandwidth"), 2'500'000'000);
    EXPECT_EQ(l4.at("properties").at("instance").at("offer_id"), "L4-1-24G");
    EXPECT_TRUE(l4.at("properties").at("kubernetes").is_null()) << "every key is there";
    const auto monaka = product("/compute/monaka_144c/run_fr-par-1");
    EXPECT_EQ(monaka.at("status"), "unknown_status");
    EXPECT_TRUE(monaka.at("price").is_null());
    EXPECT_TRUE(monaka.at("properties").at("hardware").at("ram").is_null()) << "nobody has published it";
}

TEST_F(Market, AnImpactNeedsBothDeclarationsAndAPowerFigure) {
    EXPECT_TRUE(product("/compute/l4_1_24g/run_fr-par-1").at("environmental_impact_estimation").is_null());
    geography::Declaration declared{.place = "Paris", .jurisdiction = "FR", .operator_name = "o", .declared_at = {}};
    declared.carbon_grams_per_kwh = 50;
    shelf.zone.declared = declared;
    open();
    EXPECT_TRUE(product("/compute/l4_1_24g/run_fr-par-1").at("environmental_impact_estimation").is_null()) << "no water";
    declared.water_millilitres_per_kwh = 1000;
    shelf.zone.declared = declared;
    open();
    const auto impact = product("/compute/l4_1_24g/run_fr-par-1").at("environmental_impact_estimation");
    EXPECT_NEAR(impact.at("kg_co2_equivalent").to_number<double>(), 0.072 * 0.05, 1e-6);
    EXPECT_NEAR(impact.at("m3_water_usage").to_number<double>(), 0.072 * 0.001, 1e-8);
    EXPECT_TRUE(product("/compute/a100_1_80g/run_fr-par-1").at("environmental_impact_estimation").is_null()) << "no power figure";
}

TEST_F(Market, ModelsAreSoldByTheTokenInEachModeAtThePriceInForce) {
    struct Row {
        std::string_view sku, token_type, mode;
        std::int64_t nanos, size;
    };
    const Row rows[] = {
        {"/ai/generative_apis/consumption/team_talk_input/fr-par", "input_token", "realtime", 200'000, 1000},
        {"/ai/generative_apis/consumption/team_talk_output/fr-par", "output_token", "realtime", 400'000, 1000},
        {"/ai/generative_apis/consumption/team_talk_input_batch/fr-par", "input_token", "batch", 100'000, 1000},
        {"/ai/generative_apis/consumption/team_talk_output_batch/fr-par", "output_token", "batch", 400'000, 1000},
        {"/ai/generative_apis/consumption/team_talk_cached/fr-par", "input_cached_token", "realtime", 1, 1'000'000},
        {"/ai/generative_apis/consumption/vectors_input/fr-par", "input_token", "realtime", 200'000, 1000},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.sku);
        const auto one = product(row.sku);
        const auto& facts = one.at("properties").at("generative_apis");
        EXPECT_EQ(facts.at("token_type").as_string(), row.token_type);
        EXPECT_EQ(facts.at("consumption_mode").as_string(), row.mode);
        EXPECT_EQ(one.at("price").at("retail_price").at("nanos"), row.nanos);
        EXPECT_EQ(one.at("unit_of_measure").at("size"), row.size) << "a price is never rounded";
        EXPECT_EQ(one.at("locality").at("region"), "fr-par");
        EXPECT_TRUE(one.at("environmental_impact_estimation").is_null());
    }
    EXPECT_EQ(product(rows[0].sku).at("properties").at("generative_apis").at("provider_name"), "team");
    for (const auto& one : products("&product_types=generative_apis"))
        EXPECT_FALSE(one.at("product") == "vectors" && one.at("properties").at("generative_apis").at("token_type") == "output_token");
}

TEST_F(Market, QuantumTimeIsSoldWithoutAKindOfItsOwn) {
    std::vector<std::string> skus;
    for (const auto& one : products("&product_types=unknown_product_type")) skus.emplace_back(one.at("sku").as_string());
    EXPECT_THAT(skus,
                ElementsAre("/quantum/emu_aer/hour/fr-par-1", "/quantum/emu_aer/session_hour/fr-par-1", "/quantum/emu_aer/shot/fr-par-1"));
    EXPECT_EQ(product("/quantum/emu_aer/session_hour/fr-par-1").at("price").at("retail_price").at("units"), 1);
}

TEST_F(Market, FiltersNarrowAndPagesKeepTheTotal) {
    const auto all = products().size();
    const auto count = [&](const std::string& query) { return products("&" + query).size(); };
    EXPECT_EQ(count("product_types=instance"), types.size());
    EXPECT_EQ(count("product_types=instance&product_types=managed_inference") + count("product_types=generative_apis") +
                  count("product_types=unknown_product_type"),
              all);
    EXPECT_EQ(count("product_types=kubernetes"), 0u);
    EXPECT_EQ(count("status=unknown_status"), 2u) << "MONAKA in two sizes";
    EXPECT_EQ(count("zone=fr-par-1"), types.size() + 3);
    EXPECT_EQ(count("zone=nl-ams-1"), 0u);
    EXPECT_EQ(count("region=fr-par"), all);
    EXPECT_EQ(count("region=fr-pa"), 0u);
    EXPECT_EQ(count("region=&zone=fr-par-1&datacenter="), types.size() + 3) << "an empty word asks for nothing";
    EXPECT_EQ(count("global=True"), 0u);
    EXPECT_EQ(count("global=false"), all);
    EXPECT_EQ(count("datacenter=dc5"), 0u);
    EXPECT_EQ(count("api_ids=qaas"), 3u);
    const auto page = get("/product-catalog/v2alpha1/public-catalog/products?page=2&page_size=7");
    EXPECT_EQ(page.at("products").as_array().size(), 7u);
    EXPECT_EQ(page.at("total_count"), all);
    EXPECT_EQ(get("/product-catalog/v2alpha1/public-catalog/products?page=9999").at("products").as_array().size(), 0u);
    for (const auto* wrong : {"product_types=fish", "status=soon", "status=announced", "zone=fr-par-1&region=fr-par", "global=perhaps"})
        EXPECT_EQ(ask("/product-catalog/v2alpha1/public-catalog/products?" + std::string(wrong)).status, 400) << wrong;
}

TEST_F(Market, ServersAreAMapAndTheTotalAHeader) {
    const auto answer = ask(servers + "?per_page=3&page=1");
    ASSERT_EQ(answer.status, 200) << answer.body;
    const auto body = parse_json(answer.body).value();
    EXPECT_EQ(body.at("servers").as_object().size(), 3u);
    EXPECT_FALSE(body.as_object().contains("total_count"));
    EXPECT_EQ(answer.headers.get("X-Total-Count"), std::to_string(types.size() - 2)) << "what is announced cannot be had";
    const auto all = get(servers + "?per_page=100").at("servers");
    const auto& l4 = all.at("L4-1-24G");
    EXPECT_EQ(l4.at("ncpus"), 8);
    EXPECT_EQ(l4.at("gpu"), 1);
    EXPECT_EQ(l4.at("gpu_info").at("gpu_manufacturer"), "NVIDIA");
    EXPECT_EQ(l4.at("hourly_price"), 0.75);
    EXPECT_EQ(l4.at("arch"), "x86_64");
    EXPECT_EQ(l4.at("sku"), "/compute/l4_1_24g/run_fr-par-1");
    EXPECT_TRUE(l4.at("capabilities").is_object() && l4.at("volumes_constraint").is_object()) << "the command line takes them for there";
    EXPECT_TRUE(all.at("COPARM1-2C-8G").at("gpu").is_null());
    EXPECT_EQ(all.at("COPARM1-2C-8G").at("arch"), "arm64");
    EXPECT_EQ(ask("/instance/v1/zones/nl-ams-1/products/servers").status, 400);
}

TEST_F(Market, StockIsTheSameEverywhere) {
    const auto stock = get(servers + "/availability?per_page=100").at("servers");
    std::size_t there = 0;
    for (const auto& type : types) {
        if (type.disabled) {
            EXPECT_FALSE(stock.as_object().contains(type.name));
            continue;
        }
        EXPECT_EQ(stock.at(type.name).at("availability"), type.is_offered() ? "available" : "shortage") << type.name;
        there += type.is_offered();
    }
    EXPECT_EQ(stock.at("L4-1-24G").at("availability"), "available");
    EXPECT_EQ(stock.at("L4-2-24G").at("availability"), "available");
    EXPECT_EQ(stock.at("L4-4-24G").at("availability"), "shortage");
    EXPECT_EQ(stock.at("H100-SXM-8-80G").at("availability"), "shortage");
    const auto local = get("/marketplace/v2/local-images?image_label=librechat&arch=x86_64").at("local_images").at(0);
    EXPECT_EQ(local.at("compatible_commercial_types").as_array().size(), there);
}

TEST_F(Market, ApplicationsAreImagesWithWhoseTheyAre) {
    const auto page = get("/marketplace/v2/images?order_by=name_desc&page_size=100");
    EXPECT_EQ(page.at("total_count"), 6);
    EXPECT_EQ(page.at("images").at(0).at("label"), "qiskit-scaleway");
    const auto& one = page.at("images").at(0);
    EXPECT_THAT(std::string(one.at("description").as_string()),
                HasSubstr("Publisher: Scaleway. Licence: Apache-2.0. Tested with version 0.3.13. https://"));
    const auto id = std::string(one.at("id").as_string());
    EXPECT_EQ(get("/marketplace/v2/images/" + id), one);
    const auto version = get("/marketplace/v2/versions?image_id=" + id).at("versions").at(0);
    EXPECT_EQ(version.at("name"), "0.3.13");
    EXPECT_EQ(get("/marketplace/v2/versions/" + std::string(version.at("id").as_string())), version);
    const auto locals = get("/marketplace/v2/local-images?image_id=" + id + "&type=unknown_type&zone=fr-par-1");
    ASSERT_EQ(locals.at("total_count"), 2);
    const auto& arm = locals.at("local_images").at(1);
    EXPECT_EQ(arm.at("arch"), "arm64");
    EXPECT_EQ(arm.at("compatible_commercial_types").as_array().size(), 0u) << "no node here is one";
    EXPECT_EQ(get("/marketplace/v2/local-images/" + std::string(arm.at("id").as_string())), arm);
    EXPECT_EQ(get("/marketplace/v2/images?category=quantum").at("total_count"), 3);
    EXPECT_EQ(get("/marketplace/v2/images?category=games").at("total_count"), 0);
    const auto category = get("/marketplace/v2/categories").at("categories").at(0);
    EXPECT_EQ(get("/marketplace/v2/categories/" + std::string(category.at("id").as_string())), category);
    for (const auto* lost : {"images", "versions", "local-images", "categories"})
        EXPECT_EQ(ask("/marketplace/v2/" + std::string(lost) + "/11111111-1111-4111-8111-111111111111").status, 404) << lost;
    for (const auto* wrong : {"images?order_by=size", "versions", "local-images?image_id=a&image_label=b"})
        EXPECT_EQ(ask("/marketplace/v2/" + std::string(wrong)).status, 400) << wrong;
}

TEST(Applications, ComplaintsNameTheMember) {
    const std::string category = R"("categories":[{"name":"a","title":"A","description":"d"}])";
    const auto with = [&](const std::string& member) {
        return "{" + category + R"(,"applications":[{"label":"x","name":"X","publisher":"p","licence":"MIT","description":"d",
            "added":"2026-01-01T00:00:00Z","archs":["arm64"],)" +
               member + "}]}";
    };
    struct Row {
        std::string text;
        std::string_view said;
    };
    const Row rows[] = {
        {"[]", "must"},
        {with(R"("categories":["a"])"), "applications.0.url"},
        {with(R"("categories":["a"],"url":"http://x")"), "applications.0.url"},
        {with(R"("categories":["b"],"url":"https://x")"), "applications.0.categories: there is no category 'b'"},
        {with(R"("categories":[],"url":"https://x")"), "applications.0.categories"},
        {with(R"("categories":["a"],"url":"https://x","stars":5)"), "applications.0.stars"},
    };
    for (const auto& row : rows) {
        SCOPED_TRACE(row.text);
        const auto read = read_applications(parse_json(row.text).value());
        ASSERT_FALSE(read);
        EXPECT_THAT(read.error().said, HasSubstr(row.said));
    }
    const auto first = read_applications(parse_json(with(R"("categories":["a"],"url":"https://x")")).value()).value();
    const auto second = read_applications(
        parse_json(R"({"applications":[{"label":"x","name":"Own","publisher":"p","licence":"MIT","description":"d","url":"https://y",
            "added":"2026-01-01T00:00:00Z","archs":["arm64"],"categories":["a"]}]})")
            .value(),
        first);
    ASSERT_TRUE(second) << second.error().said;
    ASSERT_EQ(second->all.size(), 1u) << "the same label takes its place";
    EXPECT_EQ(second->all[0].name, "Own");
}

TEST(Shipped, EveryTypeThatCanBeHadHasADefaultPrice) {
    const auto prices = metering::read_price_list(shipped("prices.yaml"));
    ASSERT_TRUE(prices) << prices.error().said;
    const metering::PriceBook book(*prices);
    const auto types = shipped_types();
    EXPECT_GE(types.size(), 40u);
    for (const auto& entry : types) {
        const auto rate = book.rate({.sku = entry.type.name, .zone = "fr-par-1", .at = Timestamp()}, Unit::node_second);
        EXPECT_EQ(rate.has_value(), !entry.type.disabled) << entry.type.name;
    }
}

}  // namespace
}  // namespace meridian::marketplace
