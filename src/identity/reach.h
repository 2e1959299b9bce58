// Where a right holds: in every project of the organization, in some of them, or nowhere.
#pragma once
#include <memory>
#include <span>
#include <vector>

#include "base/id.h"

namespace meridian::identity {

class Reach {
public:
    Reach() = default;  // nowhere
    static Reach everywhere();
    static Reach of(std::vector<ProjectId> projects);

    [[nodiscard]] bool is_everywhere() const { return everywhere_; }
    [[nodiscard]] bool is_nowhere() const { return !everywhere_ && projects().empty(); }
    [[nodiscard]] bool holds_in(const ProjectId& project) const;
    // Sorted; of a reach that is not everywhere.
    [[nodiscard]] std::span<const ProjectId> projects() const;
    friend bool operator==(const Reach& a, const Reach& b);

private:
    bool everywhere_ = false;
    std::shared_ptr<const std::vector<ProjectId>> projects_;  // shared: callers are copied for every change that they ask for
};

}  // namespace meridian::identity
