// Scaleway's product-catalog/v2alpha1: one list, open to anyone.
#include <algorithm>
#include <array>
#include <memory>

#include "fleet/lifecycle.h"
#include "http/typed.h"
#include "marketplace/products.h"

namespace meridian::marketplace {
namespace {

using http::Call;
using http::Nothing;

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

struct Place {
    std::optional<bool> global;
    std::optional<std::string> region, zone, datacenter;
    [[nodiscard]] int count() const { return global.has_value() + region.has_value() + zone.has_value() + datacenter.has_value(); }

    // A region holds its zones. Nothing here is global, and no datacenter has a name.
    [[nodiscard]] bool holds(const Locality& at) const {
        if (global && *global) return false;
        if (datacenter) return false;
        if (zone) return at.zone == zone;
        if (region) return at.region == region || (at.zone && at.zone->starts_with(*region + "-"));
        return true;
    }
};

Place place_of(const http::Called& call) {
    Place made{http::query_bool(call, "global"), http::query_text(call, "region"), http::query_text(call, "zone"),
               http::query_text(call, "datacenter")};
    if (made.count() > 1)
        throw invalid("zone", FieldProblem::Reason::constraint, "only one of global, region, zone and datacenter can be asked for");
    return made;
}

http::Listed<"products", Product> list(const Shelf& shelf, const Call<>& call) {
    const auto types = http::query_list(call, "product_types"), statuses = http::query_list(call, "status"),
               apis = http::query_list(call, "api_ids");
    const auto place = place_of(call);
    check(types, "product_types", [](std::string_view word) { return std::ranges::find(product_types, word) != product_types.end(); });
    check(statuses, "status", is_status);
    auto all = products_of(shelf);
    std::erase_if(all, [&](const Product& one) {
        return !wanted(types, type_of(one)) || !wanted(statuses, one.status) || !wanted(apis, api_of(one)) || !place.holds(*one.locality);
    });
    return page_of(std::move(all), call.page());
}

}  // namespace

void add_product_routes(http::Router& router, Shelf shelf) {
    auto shared = std::make_shared<const Shelf>(std::move(shelf));
    router.add(http::typed<Nothing, http::Listed<"products", Product>>(
        "GET", "/product-catalog/v2alpha1/public-catalog/products", http::anyone(), http::Dialect::scaleway,
        http::doc("ListPublicCatalogProducts", "What is for sale, with prices and hardware", "product-catalog"),
        [shared](const Call<>& call) { return list(*shared, call); }));
}

}  // namespace meridian::marketplace
