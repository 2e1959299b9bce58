#include "identity/reach.h"

#include <algorithm>

namespace meridian::identity {

Reach Reach::everywhere() {
    Reach made;
    made.everywhere_ = true;
    return made;
}

Reach Reach::of(std::vector<ProjectId> projects) {
    std::ranges::sort(projects);
    const auto doubles = std::ranges::unique(projects);
    projects.erase(doubles.begin(), doubles.end());
    Reach made;
    made.projects_ = std::make_shared<const std::vector<ProjectId>>(std::move(projects));
    return made;
}

bool Reach::holds_in(const ProjectId& project) const { return everywhere_ || std::ranges::binary_search(projects(), project); }

std::span<const ProjectId> Reach::projects() const { return projects_ ? std::span(*projects_) : std::span<const ProjectId>(); }

bool operator==(const Reach& a, const Reach& b) { return a.everywhere_ == b.everywhere_ && std::ranges::equal(a.projects(), b.projects()); }

}  // namespace meridian::identity
