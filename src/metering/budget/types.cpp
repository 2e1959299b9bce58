#include "metering/budget/types.h"

namespace meridian::metering {

std::optional<Scope> scope_of(ScopeKind kind, const std::string& text) {
    const auto id = [&]<class T>(std::optional<T> parsed) -> std::optional<Scope> {
        if (!parsed) return std::nullopt;
        return Scope(*parsed);
    };
    switch (kind) {
        case ScopeKind::organization:
            return id(OrganizationId::parse(text));
        case ScopeKind::project:
            return id(ProjectId::parse(text));
        case ScopeKind::user:
            return id(PrincipalId::parse(text));
        case ScopeKind::api_key:
            return Scope(AccessKey{text});
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
