// What a client is told when the money does not suffice.
#pragma once
#include "base/error.h"
#include "metering/budget/purses.h"

namespace meridian::metering {

Error refused(const Purses::Refusal& refusal);
// The zone may not spend more of the budget now, though it may not be used up.
Error no_lease();

}  // namespace meridian::metering
