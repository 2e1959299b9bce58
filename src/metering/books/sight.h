// What a caller may see of the books, and the forms that several of their APIs share.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "http/typed.h"
#include "metering/books/books.h"
#include "metering/books/event.h"
#include "metering/books/report.h"

namespace meridian::metering {

inline http::Permission read_bills() { return {"read", "billing"}; }
inline http::Permission read_events() { return {"read", "events"}; }

class Sight {
public:
    explicit Sight(const BookParts& parts) : parts_(parts) {}

    // The rows of the caller's organization, or of one project of it. A project that the caller may not see is not_found.
    Task<std::vector<UsageRow>> rows(identity::Caller caller, std::optional<ProjectId> project, std::vector<Timestamp> edges);
    // When the first run began that the caller may see.
    Task<std::optional<Timestamp>> first_run(identity::Caller caller);
    // Error{not_found} unless nothing was asked for or it is the caller's own.
    static void check_organization(const identity::Caller& caller, const std::optional<OrganizationId>& asked);
    // Error{not_found} for one that the caller may not see.
    static void check_project(const identity::Caller& caller, const ProjectId& project);

    struct Names {
        std::string organization;
        std::map<ProjectId, std::string> projects;
        [[nodiscard]] std::string project(const ProjectId& id) const;  // "" for one that was deleted
    };
    Task<Names> names(identity::Caller caller);

    [[nodiscard]] Timestamp now() const { return parts_.clock.now(); }
    [[nodiscard]] const geography::ZoneFacts& zone() const { return parts_.zone; }
    [[nodiscard]] std::string operator_name() const { return parts_.zone.declared ? parts_.zone.declared->operator_name : "undeclared"; }
    [[nodiscard]] Meter& meter() const { return parts_.meter; }
    [[nodiscard]] Pool& pool() const { return parts_.pool; }

private:
    static Scope scope_of(const identity::Caller& caller, const std::optional<ProjectId>& project);
    static std::vector<Scope> scopes_of(const identity::Caller& caller, const std::optional<ProjectId>& project);
    BookParts parts_;
};

// The changes that the caller may see, of one project or of all. A project that they may not see is not_found.
EventFilter visible_events(const identity::Caller& caller, const std::optional<ProjectId>& project);
// By the call's page_size and page_token.
Task<EventPage> page_of_events(std::shared_ptr<Sight> sight, EventFilter filter, const http::Called& call);

// Scaleway's Money.
Json money_json(Money amount);

void add_usage_routes(http::Router& router, const BookParts& parts);
void add_billing_routes(http::Router& router, const BookParts& parts);
void add_footprint_routes(http::Router& router, const BookParts& parts);
void add_event_routes(http::Router& router, const BookParts& parts);
void add_audit_routes(http::Router& router, const BookParts& parts);

}  // namespace meridian::metering
