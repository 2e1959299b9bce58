#include "secrets/ground.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "base/error.h"
#include "secrets/types.h"

namespace meridian::secrets {

void wrong(std::string field, std::string said) {
    throw Error(Fault::invalid, said).with({std::move(field), FieldProblem::Reason::constraint, said});
}

void not_yet(std::string said, std::string what, std::string id) {
    throw Error(Fault::precondition, std::move(said)).about(std::move(what), std::move(id));
}

void still_in_use(std::string said, std::string what, std::string id) {
    throw Error(Fault::precondition, std::move(said)).in_state("resource_still_in_use").about(std::move(what), std::move(id));
}

void check_name(std::string_view name) {
    const auto is_bad = [](char c) { return c == '/' || static_cast<unsigned char>(c) < 0x20; };
    if (name.empty() || name.size() > limits::name || std::ranges::any_of(name, is_bad))
        wrong("name", fmt::format("A name has 1 to {} bytes, without '/' and control characters.", limits::name));
}

void check_tags(const std::vector<std::string>& tags) {
    if (tags.size() > limits::tags) wrong("tags", fmt::format("There are at most {} tags.", limits::tags));
    if (std::ranges::any_of(tags, [](const auto& tag) { return tag.empty() || tag.size() > limits::tag; }))
        wrong("tags", fmt::format("A tag has 1 to {} bytes.", limits::tag));
}

void check_description(const std::optional<std::string>& text) {
    if (text && text->size() > limits::description)
        wrong("description", fmt::format("A description has at most {} bytes.", limits::description));
}

std::string clean_path(std::string_view path, std::string field) {
    const auto is_allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("._-/").contains(c);
    };
    if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
    if (!path.starts_with('/') || path.size() > limits::path || path.contains("//") || !std::ranges::all_of(path, is_allowed))
        wrong(
            std::move(field),
            fmt::format("A path looks like /team/service: it begins with '/' and has at most {} letters, digits and . _ -", limits::path));
    return std::string(path);
}

}  // namespace meridian::secrets
