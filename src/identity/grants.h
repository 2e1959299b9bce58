// What a principal may, and where: the sum of the rules of its policies.
#pragma once
#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "identity/permissions.h"
#include "identity/reach.h"

namespace meridian::identity {

class Grants {
public:
    void add(const Rights& rights, const Reach& where);
    // What is left of them for a key that is limited to some rights, and perhaps to one project.
    [[nodiscard]] Grants limited(const Rights& to, const std::optional<ProjectId>& project) const;
    // Everybody may read the projects in which they may anything.
    void add_sight();

    [[nodiscard]] Reach reach(std::size_t right) const;
    [[nodiscard]] bool hold(std::size_t right, const ProjectId& in) const;
    // Whether anything is allowed to `right` anywhere.
    [[nodiscard]] bool hold(std::size_t right) const;
    // The same for the same rights in the same places.
    [[nodiscard]] std::string digest() const;

private:
    Rights everywhere_;
    std::map<ProjectId, Rights> within_;  // what is not everywhere
};

}  // namespace meridian::identity
