#include "quantum/service/hours.h"

namespace meridian::quantum::service {

metering::Slices::Slice SessionHours::slice_of(const Session& session, const std::string& platform) const {
    return {.start = {.kind = metering::Kind::quantum_session,
                      .organization = session.organization,
                      .project = session.project,
                      .principal = session.principal,
                      .model = platform,
                      .model_digest = {},
                      .deployment = {},
                      .node = node_,
                      .price = {.per_hour = session.per_hour.value_or(Money())}}};
}

Task<std::optional<Error>> SessionHours::begin(Session session, std::string platform) {
    co_return co_await slices_.open(session.id.uuid(), slice_of(session, platform));
}

Task<metering::Slices::Look> SessionHours::look(Session session, std::string platform) {
    auto seen = co_await slices_.look(session.id.uuid(), [&](Duration) { return std::optional(slice_of(session, platform)); });
    slices_.count(session.id.uuid());
    co_return seen;
}

}  // namespace meridian::quantum::service
