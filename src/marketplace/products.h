// What is for sale here, at the prices that are in force: node types, deployments on them, models by the token, quantum platforms.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "catalog/service.h"
#include "fleet/service.h"
#include "geography/types.h"
#include "http/route.h"
#include "marketplace/product_views.h"
#include "metering/prices/prices.h"

namespace meridian::marketplace {

// A quantum platform as the shop window needs it.
struct QuantumOffer {
    std::string name, description;
    metering::Price price;
};

// Asked anew for every answer: models come and go, and prices change.
struct Shelf {
    std::function<std::vector<fleet::NodeType>()> node_types;
    std::function<std::vector<catalog::Model>()> models;  // those that everybody may use
    std::vector<QuantumOffer> quantum;
    const metering::Prices& prices;
    geography::ZoneFacts zone;
};

// "/compute/l4_1_24g/run_fr-par-1", the id of a node type's hour.
std::string instance_sku(std::string_view node_type, const geography::Zone& zone);
// What an hour costs by the price list; nothing where it names none, and then none is charged.
std::optional<Money> hour_of(const Shelf& shelf, std::string_view node_type);

// In the order in which they are shown.
std::vector<Product> products_of(const Shelf& shelf);

// GET /product-catalog/v2alpha1/public-catalog/products, for anyone.
void add_product_routes(http::Router& router, Shelf shelf);
// GET /instance/v1/zones/{zone}/products/servers and /availability, for anyone.
void add_server_routes(http::Router& router, Shelf shelf);

}  // namespace meridian::marketplace
