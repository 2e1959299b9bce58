// Scaleway's marketplace/v2 over the applications: an application is an image, its tried version a version, and where it can be used a
// local image. None is a machine's image, so their type stays unknown.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <tuple>

#include "base/hash.h"
#include "base/id.h"
#include "http/typed.h"
#include "marketplace/applications.h"
#include "marketplace/image_views.h"

namespace meridian::marketplace {
namespace {

using http::Call;
using http::Listed;
using http::Nothing;
using Reason = FieldProblem::Reason;

// The same in every installation, so that a plan made in one means the same application in another.
std::string id_of(std::string_view kind, std::string_view name) {
    const auto digest = sha256(fmt::format("meridian marketplace {} {}", kind, name));
    Uuid uuid;
    std::memcpy(uuid.bytes.data(), digest.data(), uuid.bytes.size());
    uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0F) | 0x80);  // version 8: made by a rule of our own
    uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3F) | 0x80);
    return uuid.str();
}

std::string id_of(const Application& one) { return id_of("image", one.label); }
std::string version_of(const Application& one) { return one.tested.value_or("upstream"); }
std::string version_id(const Application& one) { return id_of("version", one.label + " " + version_of(one)); }

CategoryView view(const Category& one) { return {id_of("category", one.name), one.title, one.description}; }

ImageView view(const Application& one) {
    ImageView made;
    made.id = id_of(one);
    made.name = one.name;
    made.description = fmt::format("{} Publisher: {}. Licence: {}. {}. {}", one.description, one.publisher, one.licence,
                                   one.tested ? "Tested with version " + *one.tested : std::string("Not tested here"), one.url);
    made.categories = one.categories;
    made.created_at = made.updated_at = one.added;
    made.label = one.label;
    return made;
}

VersionView version_view(const Application& one) { return {version_id(one), version_of(one), one.added, one.added, one.added}; }

// "name_asc" and the like: the member, and whether it is the other way round. The first choice is meant where none is said.
std::pair<std::string, bool> order_of(const http::Called& call, std::initializer_list<std::string_view> members) {
    const auto said = http::query_text(call, "order_by").value_or(std::string(*members.begin()) + "_asc");
    for (const auto one : members) {
        if (said == fmt::format("{}_asc", one)) return {std::string(one), false};
        if (said == fmt::format("{}_desc", one)) return {std::string(one), true};
    }
    throw invalid("order_by", Reason::constraint, fmt::format("is {}_asc or {}_desc, or the like", *members.begin(), *members.begin()));
}

// What is equal stays in the order of the labels.
template <class Key>
void sort_by(std::vector<ImageView>& views, bool is_descending, Key ImageView::* key) {
    std::ranges::sort(views, [&](const ImageView& a, const ImageView& b) {
        return is_descending ? std::tie(b.*key, a.label) < std::tie(a.*key, b.label)
                             : std::tie(a.*key, a.label) < std::tie(b.*key, b.label);
    });
}

class Api {
public:
    Api(Applications applications, std::function<std::vector<fleet::NodeType>()> node_types, geography::Zone zone)
        : applications_(std::move(applications)), node_types_(std::move(node_types)), zone_(std::move(zone)) {}

    [[nodiscard]] Listed<"images", ImageView> images(const Call<>& call) const {
        const auto arch = http::query_text(call, "arch"), category = http::query_text(call, "category");
        const auto [member, is_descending] = order_of(call, {"name", "created_at", "updated_at"});
        std::vector<ImageView> views;
        for (const auto& one : applications_.all) {
            if (arch && std::ranges::find(one.archs, *arch) == one.archs.end()) continue;
            if (category && std::ranges::find(one.categories, *category) == one.categories.end()) continue;
            views.push_back(view(one));
        }
        if (member == "name")
            sort_by(views, is_descending, &ImageView::name);
        else
            sort_by(views, is_descending, &ImageView::created_at);
        return page_of(std::move(views), call.page());
    }

    [[nodiscard]] ImageView image(const Call<>& call) const { return view(named(call.param("image_id"))); }

    [[nodiscard]] Listed<"versions", VersionView> versions(const Call<>& call) const {
        const auto image = http::query_text(call, "image_id");
        if (!image) throw invalid("image_id", Reason::required, "must be the id of an image");
        (void)order_of(call, {"created_at"});
        return page_of(std::vector{version_view(named(*image))}, call.page());
    }

    [[nodiscard]] VersionView version(const Call<>& call) const {
        const auto id = call.param("version_id");
        for (const auto& one : applications_.all)
            if (version_id(one) == id) return version_view(one);
        throw Error(Fault::not_found, "There is no version with this id.").about("version", id);
    }

    [[nodiscard]] Listed<"local_images", LocalImageView> local_images(const Call<>& call) const {
        const auto image = http::query_text(call, "image_id"), version = http::query_text(call, "version_id"),
                   label = http::query_text(call, "image_label"), zone = http::query_text(call, "zone"),
                   arch = http::query_text(call, "arch"), type = http::query_text(call, "type");
        if (image.has_value() + version.has_value() + label.has_value() > 1)
            throw invalid("image_id", Reason::constraint, "only one of image_id, version_id and image_label can be asked for");
        const auto [member, is_descending] = order_of(call, {"type", "created_at"});
        std::vector<LocalImageView> views;
        for (const auto& one : applications_.all) {
            if ((image && *image != id_of(one)) || (version && *version != version_id(one)) || (label && *label != one.label)) continue;
            for (auto& local : locals(one)) {
                if ((zone && *zone != local.zone) || (arch && *arch != local.arch)) continue;
                if (type && *type != local.type) continue;
                views.push_back(std::move(local));
            }
        }
        if (is_descending) std::ranges::reverse(views);
        return page_of(std::move(views), call.page());
    }

    [[nodiscard]] LocalImageView local_image(const Call<>& call) const {
        const auto id = call.param("local_image_id");
        for (const auto& one : applications_.all) {
            for (auto& local : locals(one))
                if (local.id == id) return std::move(local);
        }
        throw Error(Fault::not_found, "There is no local image with this id.").about("local_image", id);
    }

    [[nodiscard]] Listed<"categories", CategoryView> categories(const Call<>& call) const {
        std::vector<CategoryView> views;
        for (const auto& one : applications_.categories) views.push_back(view(one));
        return page_of(std::move(views), call.page());
    }

    [[nodiscard]] CategoryView category(const Call<>& call) const {
        const auto id = call.param("category_id");
        for (const auto& one : applications_.categories)
            if (id_of("category", one.name) == id) return view(one);
        throw Error(Fault::not_found, "There is no category with this id.").about("category", id);
    }

private:
    [[nodiscard]] const Application& named(const std::string& id) const {
        const auto found = std::ranges::find(applications_.all, id, [](const Application& one) { return id_of(one); });
        if (found == applications_.all.end()) throw Error(Fault::not_found, "There is no image with this id.").about("image", id);
        return *found;
    }

    // One for each architecture, with the node types that are in stock.
    [[nodiscard]] std::vector<LocalImageView> locals(const Application& one) const {
        std::vector<LocalImageView> made;
        for (const auto& arch : one.archs) {
            LocalImageView local{.id = id_of("local image", fmt::format("{} {} {}", one.label, zone_.str(), arch)),
                                 .compatible_commercial_types = {},
                                 .arch = arch,
                                 .zone = zone_.str(),
                                 .label = one.label,
                                 .type = "unknown_type"};
            for (const auto& type : node_types_()) {
                if (type.is_offered() && (type.arch == "aarch64" ? "arm64" : type.arch) == arch)
                    local.compatible_commercial_types.push_back(type.name);
            }
            made.push_back(std::move(local));
        }
        return made;
    }

    Applications applications_;
    std::function<std::vector<fleet::NodeType>()> node_types_;
    geography::Zone zone_;
};

}  // namespace

void add_image_routes(http::Router& router, Applications applications, std::function<std::vector<fleet::NodeType>()> node_types,
                      geography::Zone zone) {
    const auto api = std::make_shared<const Api>(std::move(applications), std::move(node_types), std::move(zone));
    const std::string base = "/marketplace/v2";
    const auto add = [&]<class Out>(const std::string& path, const char* id, const char* summary, Out (Api::*answer)(const Call<>&) const) {
        router.add(http::typed<Nothing, Out>("GET", base + path, http::anyone(), http::Dialect::scaleway,
                                             http::doc(id, summary, "marketplace"),
                                             [api, answer](const Call<>& call) { return (api.get()->*answer)(call); }));
    };
    add("/images", "ListImages", "Applications of partners", &Api::images);
    add("/images/{image_id}", "GetImage", "One application", &Api::image);
    add("/versions", "ListVersions", "Versions of an application", &Api::versions);
    add("/versions/{version_id}", "GetVersion", "One version", &Api::version);
    add("/local-images", "ListLocalImages", "Applications by zone and architecture", &Api::local_images);
    add("/local-images/{local_image_id}", "GetLocalImage", "One application in a zone", &Api::local_image);
    add("/categories", "ListCategories", "Kinds of applications", &Api::categories);
    add("/categories/{category_id}", "GetCategory", "One kind", &Api::category);
}

}  // namespace meridian::marketplace
