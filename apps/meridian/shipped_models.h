// catalog/models.yaml and catalog/platforms.yaml, embedded at build time.
#pragma once
#include <string_view>

namespace meridian::app {

extern const std::string_view shipped_models, shipped_platforms;
extern const std::string_view console_page;  // apps/meridian/console.html

}  // namespace meridian::app
