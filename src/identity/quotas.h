// How much an organization may have of what this room keeps. Named limits, which the rows are held to.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace meridian::identity {

namespace limits {
inline constexpr std::int64_t keys = 1'000'000;
inline constexpr std::int64_t projects = 1'000'000;
inline constexpr std::int64_t principals = 1'000'000;  // users and applications
inline constexpr std::int64_t groups = 10'000;
inline constexpr std::int64_t policies = 10'000;
}  // namespace limits

struct Quota {
    std::string_view name, what;
    std::int64_t limit;
};
inline constexpr Quota quota_table[] = {
    {"iam_api_keys", "API keys", limits::keys},         {"iam_groups", "groups", limits::groups},
    {"iam_policies", "policies", limits::policies},     {"iam_principals", "users and applications", limits::principals},
    {"account_projects", "projects", limits::projects},
};
inline std::span<const Quota> quotas() { return quota_table; }

}  // namespace meridian::identity
