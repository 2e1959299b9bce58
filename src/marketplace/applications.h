// Applications of partners as data: what they are, whose, under which licence, and where they are to be had.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/expected.h"
#include "base/json.h"
#include "base/time.h"
#include "fleet/service.h"
#include "geography/types.h"
#include "http/route.h"

namespace meridian::marketplace {

namespace limits {
inline constexpr std::size_t applications = 1000, categories = 100, application_categories = 8, application_text = 2000;
}  // namespace limits

struct Category {
    std::string name;  // "assistants"
    std::string title, description;
};
struct Application {
    std::string label;  // "qiskit-scaleway": what clients look it up by
    std::string name, publisher, licence, url, description;
    std::optional<std::string> tested;    // the version that was tried
    std::vector<std::string> categories;  // names of some that the same file or the program's has
    std::vector<std::string> archs;       // "x86_64", "arm64"
    Timestamp added{};
};
struct Applications {
    std::vector<Category> categories;
    std::vector<Application> all;
};

// {"categories": [...], "applications": [...]}, the form of catalog/marketplace.yaml. `before` is what is already known: what has the same
// name or label takes its place. The complaint says which member is wrong.
expected<Applications> read_applications(const Json& file, Applications before = {});

// marketplace/v2 for anyone: images, versions, local images, categories.
void add_image_routes(http::Router& router, Applications applications, std::function<std::vector<fleet::NodeType>()> node_types,
                      geography::Zone zone);

}  // namespace meridian::marketplace
