// Scaleway's instance/v1, as far as it says which node types there are: read only, open to anyone.
#include <fmt/format.h>

#include <memory>

#include "fleet/lifecycle.h"
#include "http/typed_map.h"
#include "marketplace/products.h"
#include "marketplace/server_views.h"

namespace meridian::marketplace {
namespace {

using http::Call;
using http::Nothing;

constexpr double nanos_per_euro = 1e9;

void check_zone(const Shelf& shelf, const http::Called& call) {
    const auto& zone = shelf.zone.name.str();
    if (call.param("zone") == zone) return;
    throw Error(Fault::invalid, fmt::format("This installation serves zone '{}'.", zone))
        .with({"zone", FieldProblem::Reason::constraint, "use " + zone});
}

ServerType view(const Shelf& shelf, const fleet::NodeType& type) {
    ServerType made;
    // Without an hourly price nothing is charged by the hour.
    made.hourly_price = static_cast<float>(static_cast<double>(hour_of(shelf, type.name).value_or(Money()).count()) / nanos_per_euro);
    made.ncpus = type.vcpus;
    made.ram = type.memory_bytes;
    made.arch = type.arch == "aarch64" ? "arm64" : type.arch == "x86_64" ? "x86_64" : "unknown_arch";
    made.sku = instance_sku(type.name, shelf.zone.name);
    if (type.gpus > 0) {
        made.gpu = type.gpus;
        made.gpu_info = type.about ? GpuInfo{type.about->gpu_manufacturer, type.about->gpu, type.about->gpu_memory_bytes}
                                   : GpuInfo{"", type.gpu, type.vram_bytes / type.gpus};
    }
    if (type.about && type.about->internet_bits)
        made.network = ServerNetwork{{{{}, type.about->internet_bits}}, {}, type.about->internet_bits, false};
    if (type.about) made.end_of_service = type.about->lifecycle >= fleet::Lifecycle::end_of_life;
    return made;
}

// What can be had at all: announced types are in the product catalogue only.
template <class View, class F>
Paged<http::Entry<View>> each(const Shelf& shelf, const http::Called& call, F view) {
    check_zone(shelf, call);
    std::vector<http::Entry<View>> all;
    for (const auto& type : shelf.node_types()) {
        if (!type.disabled) all.emplace_back(type.name, view(type));
    }
    return page_of(std::move(all), call.page());
}

http::ListedByName<"servers", ServerType> servers(const Shelf& shelf, const Call<>& call) {
    return each<ServerType>(shelf, call, [&](const fleet::NodeType& type) { return view(shelf, type); });
}

http::ListedByName<"servers", Availability> availability(const Shelf& shelf, const Call<>& call) {
    return each<Availability>(shelf, call,
                              [](const fleet::NodeType& type) { return Availability{type.is_offered() ? "available" : "shortage"}; });
}

}  // namespace

void add_server_routes(http::Router& router, Shelf shelf) {
    auto shared = std::make_shared<const Shelf>(std::move(shelf));
    const std::string base = "/instance/v1/zones/{zone}/products/servers";
    router.add(http::typed<Nothing, http::ListedByName<"servers", ServerType>>(
        "GET", base, http::anyone(), http::Dialect::scaleway,
        http::doc("ListServersTypes", "Node types by name, with sizes and prices", "instance"),
        [shared](const Call<>& call) { return servers(*shared, call); }));
    router.add(http::typed<Nothing, http::ListedByName<"servers", Availability>>(
        "GET", base + "/availability", http::anyone(), http::Dialect::scaleway,
        http::doc("GetServerTypesAvailability", "Which node types are in stock", "instance"),
        [shared](const Call<>& call) { return availability(*shared, call); }));
}

}  // namespace meridian::marketplace
