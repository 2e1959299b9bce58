// Scaleway's marketplace/v2 on the wire.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "resource/fields.h"

namespace meridian::marketplace {

struct CategoryView {
    std::string id, name, description;
};
constexpr auto describe(As<CategoryView>) {
    using C = CategoryView;
    return fields(field("id", &C::id), field("name", &C::name), field("description", &C::description));
}

struct ImageView {
    std::string id, name, description, logo;
    std::vector<std::string> categories;
    std::optional<Timestamp> created_at, updated_at, valid_until;
    std::string label;
};
constexpr auto describe(As<ImageView>) {
    using I = ImageView;
    return fields(field("id", &I::id), field("name", &I::name), field("description", &I::description), field("logo", &I::logo),
                  field("categories", &I::categories), field("created_at", &I::created_at), field("updated_at", &I::updated_at),
                  field("valid_until", &I::valid_until), field("label", &I::label));
}

struct VersionView {
    std::string id, name;
    std::optional<Timestamp> created_at, updated_at, published_at;
};
constexpr auto describe(As<VersionView>) {
    using V = VersionView;
    return fields(field("id", &V::id), field("name", &V::name), field("created_at", &V::created_at), field("updated_at", &V::updated_at),
                  field("published_at", &V::published_at));
}

struct LocalImageView {
    std::string id;
    std::vector<std::string> compatible_commercial_types;
    std::string arch, zone, label, type;
};
constexpr auto describe(As<LocalImageView>) {
    using L = LocalImageView;
    return fields(field("id", &L::id), field("compatible_commercial_types", &L::compatible_commercial_types), field("arch", &L::arch),
                  field("zone", &L::zone), field("label", &L::label), field("type", &L::type));
}

}  // namespace meridian::marketplace
