#include "identity/grants.h"

#include <span>
#include <vector>

#include "base/hash.h"
#include "identity/permission_sets.h"

namespace meridian::identity {

void Grants::add(const Rights& rights, const Reach& where) {
    if (where.is_everywhere()) {
        everywhere_ |= rights;
        return;
    }
    for (const auto& project : where.projects()) within_[project] |= rights;
}

Grants Grants::limited(const Rights& to, const std::optional<ProjectId>& project) const {
    Grants made;
    if (!project) {
        made.everywhere_ = everywhere_ & to;
        for (const auto& [in, rights] : within_) made.within_[in] = rights & to;
        return made;
    }
    auto rights = everywhere_;
    if (const auto found = within_.find(*project); found != within_.end()) rights |= found->second;
    made.within_[*project] = rights & to & rights_of(Level::project);
    return made;
}

void Grants::add_sight() {
    const auto sight = place_of("read", "projects").value();
    const auto work = ~rights_of_everybody();
    if ((everywhere_ & work & rights_of(Level::project)).any()) everywhere_.set(sight);
    for (auto& [project, rights] : within_)
        if ((rights & work).any()) rights.set(sight);
}

Reach Grants::reach(std::size_t right) const {
    if (everywhere_[right]) return Reach::everywhere();
    std::vector<ProjectId> projects;
    for (const auto& [project, rights] : within_)
        if (rights[right]) projects.push_back(project);
    return Reach::of(std::move(projects));
}

bool Grants::hold(std::size_t right, const ProjectId& in) const {
    if (everywhere_[right]) return true;
    const auto found = within_.find(in);
    return found != within_.end() && found->second[right];
}

bool Grants::hold(std::size_t right) const { return !reach(right).is_nowhere(); }

std::string Grants::digest() const {
    Sha256Stream all;
    all.add(everywhere_.to_string());
    for (const auto& [project, rights] : within_) {
        all.add(project.str());
        all.add(rights.to_string());
    }
    const auto digest = all.finish();
    return hex(std::span(digest).first(4));
}

}  // namespace meridian::identity
