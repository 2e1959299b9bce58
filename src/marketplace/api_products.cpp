// Scaleway's product-catalog/v2alpha1: one list, open to anyone.
#include <algorithm>
#include <array>
#include <memory>

#include "fleet/lifecycle.h"
#include "http/typed.h"
#include "marketplace/products.h"

namespace meridian::marketplace {

struct ProductsAsked {
    std::vector<std::string> product_types, status, api_ids;
    std::optional<bool> global;
    std::optional<std::string> region, zone, datacenter;
};
constexpr auto describe(As<ProductsAsked>) {
    using P = ProductsAsked;
    return fields(field("product_types", &P::product_types, at_most{64}), field("status", &P::status, at_most{64}),
                  field("api_ids", &P::api_ids, at_most{64}), field("global", &P::global), field("region", &P::region),
                  field("zone", &P::zone), field("datacenter", &P::datacenter));
}

namespace {

using http::Call;

// Scaleway's kinds of products. Those that are not offered here are known, and match nothing.
constexpr std::array<std::string_view, 25> product_types = {"unknown_product_type",
                                                            "instance",
                                                            "apple_silicon",
                                                            "elastic_metal",
                                                            "dedibox",
                                                            "block_storage",
                                                            "object_storage",
                                                            "managed_inference",
                                                            "generative_apis",
                                                            "load_balancer",
                                                            "secret_manager",
                                                            "key_manager",
                                                            "managed_redis_database",
                                                            "kubernetes",
                                                            "managed_relational_database",
                                                            "managed_mongodb",
                                                            "serverless_functions",
                                                            "serverless_containers",
                                                            "serverless_jobs",
                                                            "apache_kafka",
                                                            "open_search",
                                                            "instance_local_ssd_snapshot",
                                                            "instance_local_ssd_storage",
                                                            "file_storage",
                                                            "serverless_sql_database"};

// Quantum time has no word among the kinds, so it is of the unknown one.
std::string_view type_of(const Product& product) {
    if (!product.properties) return "unknown_product_type";
    if (product.properties->instance) return "instance";
    if (product.properties->managed_inference) return "managed_inference";
    if (product.properties->generative_apis) return "generative_apis";
    return "unknown_product_type";
}

// The API under which a product is used.
std::string_view api_of(const Product& product) {
    const auto type = type_of(product);
    if (type == "instance") return "instance";
    if (type == "managed_inference") return "inference";
    if (type == "generative_apis") return "generative-apis";
    return "qaas";
}

bool is_status(std::string_view word) {
    const auto known = from_word<fleet::Lifecycle>(word);
    return word == "unknown_status" || (known && *known != fleet::Lifecycle::announced);
}

void check(const std::vector<std::string>& words, std::string_view name, bool (*known)(std::string_view)) {
    for (const auto& word : words)
        if (!known(word)) throw invalid(std::string(name), FieldProblem::Reason::constraint, "is none of Scaleway's words for it");
}

template <class Word>
bool wanted(const std::vector<std::string>& words, const Word& word) {
    return words.empty() || std::ranges::find(words, word) != words.end();
}

// A region holds its zones. Nothing here is global, and no datacenter has a name.
bool is_at(const Locality& at, const ProductsAsked& asked) {
    if ((asked.global && *asked.global) || asked.datacenter) return false;
    if (asked.zone) return at.zone == asked.zone;
    if (asked.region) return at.region == asked.region || (at.zone && at.zone->starts_with(*asked.region + "-"));
    return true;
}

http::Listed<"products", Product> list(const Shelf& shelf, const Call<ProductsAsked>& call) {
    auto asked = call.in;
    for (auto* text : {&asked.region, &asked.zone, &asked.datacenter})
        if (*text && (*text)->empty()) text->reset();  // said, and left open
    if (asked.global.has_value() + asked.region.has_value() + asked.zone.has_value() + asked.datacenter.has_value() > 1)
        throw invalid("zone", FieldProblem::Reason::constraint, "only one of global, region, zone and datacenter can be asked for");
    check(asked.product_types, "product_types",
          [](std::string_view word) { return std::ranges::find(product_types, word) != product_types.end(); });
    check(asked.status, "status", is_status);
    auto all = products_of(shelf);
    std::erase_if(all, [&](const Product& one) {
        return !wanted(asked.product_types, type_of(one)) || !wanted(asked.status, one.status) || !wanted(asked.api_ids, api_of(one)) ||
               !is_at(*one.locality, asked);
    });
    return page_of(std::move(all), call.page());
}

}  // namespace

void add_product_routes(http::Router& router, Shelf shelf) {
    auto shared = std::make_shared<const Shelf>(std::move(shelf));
    router.add(http::typed<ProductsAsked, http::Listed<"products", Product>>(
        "GET", "/product-catalog/v2alpha1/public-catalog/products", http::anyone(), http::Dialect::scaleway,
        http::doc("ListPublicCatalogProducts", "What is for sale, with prices and hardware", "product-catalog"),
        [shared](const Call<ProductsAsked>& call) { return list(*shared, call); }));
}

}  // namespace meridian::marketplace
