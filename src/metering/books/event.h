// A change that somebody made through the control plane, or was refused, as a leaf of the zone's log: who, what, from where, and what it
// was before and after. One that was made comes from the outbox, in which its own transaction left it.
#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"
#include "base/id.h"
#include "base/json.h"
#include "base/time.h"

namespace meridian::metering {

struct AdminEvent {
    EventId id;
    Timestamp at;
    OrganizationId organization;
    std::optional<ProjectId> project;
    std::optional<PrincipalId> principal;       // nothing: the program's own start
    std::string api_key, operation, product;    // "SCW...", "CreateDeployment", "inference"; "": none
    std::string address, user_agent, request;   // from where
    std::string resource_type, resource, name;  // "deployments", its id, and what people call it
    std::optional<std::string> before, after;   // "sha256:..."; nothing where there was nothing
    bool is_refused = false;                    // by the rules of permission
    Json details = nullptr;                     // an object of what else there is to say; null: nothing
    std::int64_t index = -1;                    // position among the log's leaves
    std::string leaf;                           // its bytes, of one that was read back
};

inline constexpr std::int64_t refused_status = 403;  // what HTTP says of it in every dialect

// One line of JSON, always the same for the same event.
std::string event_leaf(const AdminEvent& event, std::string_view zone);
expected<AdminEvent> read_event(std::string_view leaf);
// What `store::add_events` wrote. The id follows from the bytes and the row's number, so that the same row is the same event.
expected<AdminEvent> event_of(std::int64_t row, std::string_view payload);

struct EventFilter {
    OrganizationId organization = {};
    std::optional<EventId> id = {};  // this one alone
    std::optional<std::vector<ProjectId>> projects = {};
    bool and_of_no_project = false;               // with `projects`: those of the whole organization too
    std::optional<Timestamp> from = {}, to = {};  // [from, to)
    std::optional<PrincipalId> principal = {};
    std::optional<bool> is_refused = {};
    std::string operation = {}, product = {}, resource_type = {}, resource = {}, address = {};  // "": any
    std::size_t limit = 50;
    std::optional<std::int64_t> before_index = {};
    [[nodiscard]] bool fits_project(const ProjectId& of_event) const {  // nil: of none
        return !projects || std::ranges::find(*projects, of_event) != projects->end() || (and_of_no_project && of_event.is_nil());
    }
    [[nodiscard]] bool fits(const AdminEvent& event) const;
};
struct EventPage {
    std::vector<AdminEvent> events;
    std::optional<std::int64_t> next_before;  // where to go on; nothing at the end
};

}  // namespace meridian::metering
