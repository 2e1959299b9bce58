// Node types as data: what an operator may offer, under the names that clients know. Whether one is there is asked of the nodes.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "base/expected.h"
#include "base/json.h"
#include "fleet/service.h"

namespace meridian::fleet {

namespace limits {
inline constexpr std::size_t node_type_families = 200, node_type_sizes = 32, node_type_names = 16, node_type_text = 1000;
}  // namespace limits

struct CatalogueType {
    NodeType type;                           // `stock` and `gpu` are not known yet
    std::vector<std::string> gpus_known_as;  // as the driver names them; what such a node has one kind of
    std::vector<std::string> cpus_known_as;  // as Node::cpu says them; empty: any of the architecture
};

// {"node_types": [{"name": "L4-{gpus}-24G", ..., "sizes": [{"gpus": 1, ...}]}]}, the form of catalog/node-types.yaml. The complaint says
// which member of which entry is wrong.
expected<std::vector<CatalogueType>> read_node_types(const Json& list);
// `more` in place of what has the same name, and behind the rest.
std::vector<CatalogueType> merged(std::vector<CatalogueType> types, std::vector<CatalogueType> more);

// Whether the node could hold one, were it empty.
bool holds(const Node& node, const CatalogueType& entry);
// The only answer to what there is: what the nodes are themselves first, then the catalogue in its own order, out of stock where no node
// holds it.
std::vector<NodeType> node_types(std::span<const Node> nodes, std::span<const CatalogueType> catalogue);

}  // namespace meridian::fleet
