#include "inference/hours.h"

#include <fmt/format.h>

#include <algorithm>

namespace meridian::inference {

std::optional<metering::Slices::Slice> Hours::slice_of(const Deployment& deployment, const std::string& node, Duration from_now) const {
    const auto at = clock_.now() + std::chrono::duration_cast<Timestamp::duration>(from_now);
    const auto& quoted = deployment.quoted;
    const bool is_quoted = quoted && quoted->holds_at(at);
    const auto rate = is_quoted ? quoted->per_hour : prices_.rate_now(deployment.node_type, metering::Unit::node_second).value_or(Money());
    if (rate == Money()) return std::nullopt;
    metering::Slices::Slice made{.start = {.kind = metering::Kind::deployment_hour,
                                           .organization = deployment.organization,
                                           .project = deployment.project,
                                           .principal = deployment.principal,
                                           .model = deployment.model_name,
                                           .model_digest = {},
                                           .deployment = deployment.id,
                                           .node = node,
                                           .price = {.per_hour = rate}}};
    if (is_quoted) {
        made.start.quote = quoted->quote;
        if (quoted->until) made.length = std::min<Duration>(made.length, *quoted->until - at);
    }
    return made;
}

Task<std::optional<Error>> Hours::begin(Deployment deployment, ReplicaId id, std::string node) {
    auto slice = slice_of(deployment, node, {});
    if (!slice) co_return std::nullopt;
    co_return co_await slices_.open(id.uuid(), *std::move(slice));
}

Task<Hours::Seen> Hours::look(Deployment deployment, ReplicaId id, std::string node) {
    const auto seen = co_await slices_.look(id.uuid(), [&](Duration from_now) { return slice_of(deployment, node, from_now); });
    if (!seen.why) co_return Seen{.is_over = seen.is_over};
    if (seen.is_over) co_return Seen{.is_over = true, .notice = seen.why};
    const auto end = clock_.now() + std::chrono::duration_cast<Timestamp::duration>(seen.left);
    co_return Seen{.notice = fmt::format("A replica ends at {}. {}", rfc3339(end), *seen.why)};
}

}  // namespace meridian::inference
