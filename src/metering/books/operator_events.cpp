#include "metering/books/operator_events.h"

#include "base/derived_id.h"
#include "base/hash.h"
#include "geography/declaration.h"
#include "metering/books/event.h"
#include "metering/log/service.h"
#include "metering/log/succession.h"

namespace meridian::metering {
namespace {

std::string digest_of(std::string_view text) { return "sha256:" + hex(sha256(text)); }

bool is_there(Meter& meter, const AdminEvent& event) {
    return !meter.events({.organization = event.organization, .id = event.id, .limit = 1}).events.empty();
}

// What the newest event of the kind left behind; nothing: there is none.
std::optional<std::string> last_digest(Meter& meter, const AdminEvent& event) {
    EventFilter filter{.organization = event.organization, .operation = event.operation, .resource = event.resource, .limit = 1};
    for (;;) {
        const auto page = meter.events(filter);
        if (!page.events.empty()) return page.events.front().after;
        if (!page.next_before) return std::nullopt;
        filter.before_index = page.next_before;
    }
}

AdminEvent event_in(const geography::Zone& zone, const OrganizationId& organization) {
    AdminEvent made;
    made.organization = organization;
    made.product = "zones";
    made.name = zone.str();
    return made;
}

void log_declaration(Meter& meter, const geography::ZoneFacts& zone, const OrganizationId& organization) {
    const auto text = geography::declaration_text(*zone.declared);
    auto event = event_in(zone.name, organization);
    event.id = EventId(derived_uuid("declaration\n" + zone.name.str() + "\n" + text));
    event.at = zone.declared->declared_at;
    event.operation = "DeclareZone";
    event.resource_type = "zones";
    event.resource = zone.name.str();
    event.after = digest_of(text);
    event.details = parse_json(text).value();
    if (is_there(meter, event)) return;
    event.before = last_digest(meter, event);
    meter.log_event(event);
}

void log_change_of_key(Meter& meter, const Succession& made, const geography::ZoneFacts& zone, const OrganizationId& organization) {
    auto event = event_in(zone.name, organization);
    event.id = EventId(derived_uuid("log key\n" + made.from.str() + "\n" + made.to.str()));
    event.at = made.at;
    event.operation = made.cause == Succession::Cause::rotated ? "RotateLogKey" : "RotateLogKeyAfterLoss";
    event.resource_type = "logs";
    event.resource = made.to.name;
    event.before = digest_of(made.from.str());
    event.after = digest_of(made.to.str());
    event.details = JsonObject{{"from", made.from.str()}, {"to", made.to.str()}, {"kept", made.kept}, {"lost", made.last.size - made.kept}};
    if (!is_there(meter, event)) meter.log_event(event);
}

}  // namespace

void log_operator_events(Meter& meter, const geography::ZoneFacts& zone, const OrganizationId& organization) {
    for (const auto& change : meter.log().log_chain().changes)
        if (const auto made = read_succession(change.leaf)) log_change_of_key(meter, *made, zone, organization);
    if (zone.declared) log_declaration(meter, zone, organization);
}

}  // namespace meridian::metering
