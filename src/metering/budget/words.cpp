#include "metering/budget/words.h"

#include <fmt/format.h>

#include <algorithm>

namespace meridian::metering {

std::string name_of(const Budget& budget) { return budget.name.empty() ? budget.id.str() : fmt::format("'{}'", budget.name); }

Error refused(const Purses::Refusal& refusal) {
    const auto& budget = refusal.budget;
    std::string said;
    if (budget.period == Period::run) {
        said = fmt::format("This run may cost {} EUR, and the limit {} allows {} EUR for one run. Ask for less, or have the limit raised.",
                           refusal.asked.str(), name_of(budget), budget.limit.str());
    } else {
        const auto left = std::max(Money(), budget.limit - std::min(refusal.used, budget.limit));
        said = fmt::format("This run may cost {} EUR, and of the {} budget {} of {} EUR there are {} EUR left.", refusal.asked.str(),
                           word(budget.period), name_of(budget), budget.limit.str(), left.str());
        said += refusal.until ? fmt::format(" It begins anew at {}. Ask for less, or have it raised.", rfc3339(*refusal.until))
                              : std::string(" Ask for less, or have it raised.");
    }
    return Error(Fault::quota, std::move(said)).with_code("insufficient_quota").about("budget", budget.id.str());
}

Error no_lease() {
    return Error(Fault::unavailable, "The budget of this run cannot be asked for more right now; try again shortly.", "no lease")
        .with_code("budget_unavailable")
        .after(std::chrono::seconds(1));
}

}  // namespace meridian::metering
