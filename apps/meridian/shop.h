// What this installation shows for sale: the node types and applications that come with the program, and the operator's own beside them.
#pragma once
#include <string>
#include <vector>

#include "base/disk.h"
#include "fleet/node_catalogue.h"
#include "marketplace/applications.h"

namespace meridian::app {

struct Shop {
    std::vector<fleet::CatalogueType> node_types;
    marketplace::Applications applications;
};
// `directory` may hold node-types.yaml and marketplace.yaml, and holds at least one of them; "" for none.
expected<Shop> open_shop(Disk& disk, const std::string& directory);

}  // namespace meridian::app
