#include "metering/budget/types.h"

namespace meridian::metering {

std::optional<Scope> scope_of(const Budget& budget) {
    const auto id = [&]<class T>(std::optional<T> parsed) -> std::optional<Scope> {
        if (!parsed) return std::nullopt;
        return Scope(*parsed);
    };
    switch (budget.scope) {
        case ScopeKind::organization:
            return id(OrganizationId::parse(budget.scope_id));
        case ScopeKind::project:
            return id(ProjectId::parse(budget.scope_id));
        case ScopeKind::user:
            return id(PrincipalId::parse(budget.scope_id));
        case ScopeKind::api_key:
            return Scope(AccessKey{budget.scope_id});
    }
    return std::nullopt;
}

Span window_of(Period period, const TimeZone& zone, Timestamp t) {
    switch (period) {
        case Period::day:
            return zone.day_of(t);
        case Period::month:
            return zone.month_of(t);
        case Period::run:
        case Period::total:
            break;
    }
    // Wide enough for any clock, and inside what quarter hours can count.
    return {Timestamp(), Timestamp(std::chrono::hours(24 * 365 * 1000))};
}

}  // namespace meridian::metering
