// Costs as the FinOps Open Cost and Usage Specification (FOCUS 1.2) has them: one row for each day, project, principal, kind and model.
#pragma once
#include <map>
#include <span>
#include <string>

#include "geography/types.h"
#include "metering/books/report.h"

namespace meridian::metering {

struct FocusFacts {
    OrganizationId organization;
    std::string organization_name;
    std::map<ProjectId, std::string> projects;
    std::string operator_name;
    geography::Zone zone;
};
// `periods` are days of UTC.
std::string focus_csv(std::span<const UsageRow> rows, const Periods& periods, const FocusFacts& facts);

}  // namespace meridian::metering
