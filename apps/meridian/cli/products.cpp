#include <fmt/format.h>

#include "cli/nouns.h"
#include "terminal.h"

namespace meridian::cli {
namespace {

std::string price_text(const Json& product) {
    const auto* price = member(product, "price");
    const auto* money = price ? member(*price, "retail_price") : nullptr;
    if (!money || !money->is_object()) return "-";
    const auto nanos = number(*money, "nanos");
    auto text = fmt::format("{}.{:09}", number(*money, "units"), nanos);
    while (text.ends_with('0')) text.pop_back();
    return text.ends_with('.') ? text + "0" : text;
}

std::string unit_text(const Json& product) {
    const auto* unit = member(product, "unit_of_measure");
    if (!unit || !unit->is_object()) return "-";
    const auto size = number(*unit, "size");
    return size == 1 ? field(*unit, "unit") : fmt::format("{} {}s", size, field(*unit, "unit"));
}

int list_products(const Common& common, const std::string& type) {
    auto api = common.api();
    const std::string path = "/product-catalog/v2alpha1/public-catalog/products";
    auto products = all_of(api, type.empty() ? path : path + "?product_types=" + type, "products");
    if (common.json) return print(JsonObject{{"products", std::move(products)}});
    terminal::Table table({"SKU", "CATEGORY", "€", "FOR", "STATUS"});
    table.right(2);
    for (const auto& one : products)
        table.row({field(one, "sku"), field(one, "product_category"), price_text(one), unit_text(one), field(one, "status")});
    fmt::print("{}", table.str());
    return ok;
}

int list_node_types(const Common& common, bool all) {
    auto api = common.api();
    const auto path = fmt::format("/inference/v1/regions/{}/node-types?include_disabled_types={}", api.to().region, all);
    JsonArray types;
    for (auto& one : all_of(api, path, "node_types")) {
        if (all || field(one, "stock_status") == "available") types.push_back(std::move(one));
    }
    if (common.json) return print(JsonObject{{"node_types", std::move(types)}});
    terminal::Table table({"NODE TYPE", "CPUS", "MEMORY", "GPUS", "VRAM", "STOCK"});
    for (const std::size_t column : {1, 2, 3, 4}) table.right(column);
    const auto bytes = [](std::int64_t count) { return count ? terminal::bytes(static_cast<std::uint64_t>(count)) : std::string("-"); };
    for (const auto& one : types)
        table.row({field(one, "name"), std::to_string(number(one, "vcpus")), bytes(number(one, "memory")),
                   std::to_string(number(one, "gpus")), bytes(number(one, "vram")), field(one, "stock_status")});
    fmt::print("{}", table.str());
    return ok;
}

}  // namespace

void add_products(CLI::App& app, Common& common, const Chosen& chosen) {
    auto type = std::make_shared<std::string>();
    auto* products = app.add_subcommand("products", "What is for sale, with the prices in force");
    products->require_subcommand(1);
    auto* list = products->add_subcommand("list", "Node types, models by the token, quantum platforms");
    list->add_option("--type", *type, "Only these")->check(CLI::IsMember({"instance", "managed_inference", "generative_apis"}));
    list->callback([&common, chosen, type] { chosen([&common, type] { return list_products(common, *type); }); });

    auto all = std::make_shared<bool>(false);
    auto* types = app.add_subcommand("node-types", "What deployments run on");
    types->require_subcommand(1);
    auto* some = types->add_subcommand("list", "Node types in stock");
    some->add_flag("--all", *all, "Those that no node here holds as well, and those that are announced");
    some->callback([&common, chosen, all] { chosen([&common, all] { return list_node_types(common, *all); }); });
}

}  // namespace meridian::cli
