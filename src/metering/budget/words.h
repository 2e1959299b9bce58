// How people are told of a budget: by its name, and when its money does not suffice.
#pragma once
#include "base/error.h"
#include "metering/budget/purses.h"

namespace meridian::metering {

// In quotes; the id of one without a name.
std::string name_of(const Budget& budget);
Error refused(const Purses::Refusal& refusal);
// The zone may not spend more of the budget now, though it may not be used up.
Error no_lease();

}  // namespace meridian::metering
