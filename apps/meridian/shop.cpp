#include "shop.h"

#include <fmt/format.h>

#include <functional>

#include "base/error.h"
#include "catalog/platforms.h"
#include "shipped_models.h"

namespace meridian::app {
namespace {

using Take = expected<void> (*)(Shop&, const Json&);

expected<void> take_node_types(Shop& shop, const Json& file) {
    auto types = fleet::read_node_types(file);
    if (!types) return std::unexpected(types.error());
    shop.node_types = fleet::merged(std::move(shop.node_types), *std::move(types));
    return {};
}

expected<void> take_applications(Shop& shop, const Json& file) {
    auto all = marketplace::read_applications(file, std::move(shop.applications));
    if (!all) return std::unexpected(all.error());
    shop.applications = *std::move(all);
    return {};
}

expected<void> take(Shop& shop, std::string_view text, Take what) {
    const auto file = catalog::json_of_yaml(text);
    return file ? what(shop, *file) : std::unexpected(file.error());
}

}  // namespace

expected<Shop> open_shop(Disk& disk, const std::string& directory) {
    struct Part {
        std::string_view name, shipped;
        Take take;
    };
    const Part parts[] = {{"node-types.yaml", shipped_node_types, take_node_types},
                          {"marketplace.yaml", shipped_marketplace, take_applications}};
    Shop shop;
    bool any = directory.empty();
    for (const auto& part : parts) {
        if (const auto taken = take(shop, part.shipped, part.take); !taken)
            throw Error(Fault::bug, fmt::format("The {} that comes with the program cannot be read.", part.name), taken.error().said);
        if (directory.empty()) continue;
        const auto path = fmt::format("{}/{}", directory, part.name);
        const auto text = disk.read_file(path);
        if (!text && text.error().kind == DiskError::Kind::not_found) continue;
        if (!text) return complaint(fmt::format("{} cannot be read: {}", path, text.error().said));
        if (const auto taken = take(shop, *text, part.take); !taken) return complaint(fmt::format("{}: {}", path, taken.error().said));
        any = true;
    }
    if (!any) return complaint(fmt::format("{} holds neither node-types.yaml nor marketplace.yaml.", directory));
    return shop;
}

}  // namespace meridian::app
