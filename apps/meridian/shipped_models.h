// The files of catalog/, embedded at build time.
#pragma once
#include <string_view>

namespace meridian::app {

extern const std::string_view shipped_models, shipped_platforms, shipped_applications, shipped_prices, shipped_node_types,
    shipped_marketplace;
extern const std::string_view console_page;  // apps/meridian/console.html

}  // namespace meridian::app
