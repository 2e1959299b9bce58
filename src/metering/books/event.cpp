#include "metering/books/event.h"

#include <algorithm>

#include "base/derived_id.h"
#include "base/json.h"
#include "base/version.h"

namespace meridian::metering {
namespace {

constexpr std::string_view refused = "refused";  // the outcome; else it is "done"
constexpr std::size_t text_max = 256;            // of each text in a leaf; with them no leaf comes near a record's largest payload

std::string clipped(std::string_view text) {
    auto size = std::min(text.size(), text_max);
    while (size > 0 && size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;  // not inside a character
    return std::string(text.substr(0, size));
}

Json text_or_null(std::string_view text) { return text.empty() ? Json(nullptr) : Json(text); }
template <class I>
Json id_or_null(const std::optional<I>& id) {
    return id ? Json(id->str()) : Json(nullptr);
}
Json digest_or_null(const std::optional<std::string>& digest) { return digest ? Json(*digest) : Json(nullptr); }

std::string text_in(const Json& json, std::string_view key) {
    const auto* text = text_member(json, key);
    return text ? clipped(view(*text)) : std::string();
}
std::optional<std::string> digest_in(const Json& json, std::string_view key) {
    const auto* text = text_member(json, key);
    return text ? std::optional(clipped(view(*text))) : std::nullopt;
}
template <class I>
std::optional<I> id_in(const Json& json, std::string_view key) {
    return I::parse(text_in(json, key));
}

}  // namespace

std::string event_leaf(const AdminEvent& e, std::string_view zone) {
    JsonObject leaf{{"type", "event"},
                    {"id", e.id.str()},
                    {"operation", text_or_null(e.operation)},
                    {"product", text_or_null(e.product)},
                    {"outcome", e.is_refused ? refused : "done"},
                    {"principal", id_or_null(e.principal)},
                    {"api_key", text_or_null(e.api_key)},
                    {"organization", e.organization.str()},
                    {"project", id_or_null(e.project)},
                    {"zone", zone},
                    {"resource_type", e.resource_type},
                    {"resource", e.resource},
                    {"name", text_or_null(e.name)},
                    {"before", digest_or_null(e.before)},
                    {"after", digest_or_null(e.after)},
                    {"address", text_or_null(e.address)},
                    {"user_agent", text_or_null(e.user_agent)},
                    {"request", text_or_null(e.request)},
                    {"at", rfc3339(e.at)},
                    {"build", build()}};
    if (e.is_refused) leaf["status"] = refused_status;
    if (!e.details.is_null()) leaf["details"] = e.details;
    return to_text(leaf);
}

expected<AdminEvent> read_event(std::string_view leaf) {
    const auto json = parse_json(leaf);
    if (!json || text_in(*json, "type") != "event") return complaint("it is no event");
    const auto id = id_in<EventId>(*json, "id");
    const auto organization = id_in<OrganizationId>(*json, "organization");
    const auto at = parse_rfc3339(text_in(*json, "at"));
    AdminEvent made;
    made.resource_type = text_in(*json, "resource_type");
    made.resource = text_in(*json, "resource");
    if (!id || id->is_nil() || !organization || !at || made.resource_type.empty()) return complaint("the event lacks a member");
    made.id = *id;
    made.at = *at;
    made.organization = *organization;
    made.project = id_in<ProjectId>(*json, "project");
    made.principal = id_in<PrincipalId>(*json, "principal");
    made.api_key = text_in(*json, "api_key");
    made.operation = text_in(*json, "operation");
    made.product = text_in(*json, "product");
    made.address = text_in(*json, "address");
    made.user_agent = text_in(*json, "user_agent");
    made.request = text_in(*json, "request");
    made.name = text_in(*json, "name");
    made.before = digest_in(*json, "before");
    made.after = digest_in(*json, "after");
    made.is_refused = text_in(*json, "outcome") == refused;
    if (const auto* details = member(*json, "details")) made.details = *details;
    made.leaf = leaf;
    return made;
}

expected<AdminEvent> event_of(std::int64_t row_number, std::string_view payload) {
    const auto json = parse_json(payload);
    const auto* by = json ? member(*json, "by") : nullptr;
    const auto* row = json ? member(*json, "row") : nullptr;
    if (!by || !row) return complaint("the outbox has a line that is no change");
    AdminEvent made;
    const auto at = parse_rfc3339(text_in(*json, "at"));
    auto organization = id_in<OrganizationId>(*row, "organization_id");
    if (!organization) organization = id_in<OrganizationId>(*by, "organization");
    made.resource_type = text_in(*json, "type");
    made.resource = text_in(*json, "id");
    if (!at || !organization || made.resource_type.empty()) return complaint("the outbox has a change that lacks a member");
    made.id = EventId(derived_uuid(std::to_string(row_number) + "\n" + std::string(payload)));
    made.at = *at;
    made.organization = *organization;
    made.project = made.resource_type == "projects" ? ProjectId::parse(made.resource) : id_in<ProjectId>(*row, "project_id");
    made.principal = id_in<PrincipalId>(*by, "principal");
    made.api_key = text_in(*by, "api_key");
    made.operation = text_in(*by, "operation");
    made.product = text_in(*by, "product");
    made.address = text_in(*by, "address");
    made.user_agent = text_in(*by, "user_agent");
    made.request = text_in(*by, "request");
    made.name = text_in(*row, "name");
    made.before = digest_in(*json, "before");
    made.after = digest_in(*json, "after");
    return made;
}

bool EventFilter::fits(const AdminEvent& e) const {
    const auto is = [](const std::string& wanted, const std::string& there) { return wanted.empty() || wanted == there; };
    return e.organization == organization && (!id || id == e.id) && fits_project(e.project.value_or(ProjectId())) &&
           (!principal || principal == e.principal) && (!is_refused || is_refused == e.is_refused) && (!from || e.at >= *from) &&
           (!to || e.at < *to) && is(operation, e.operation) && is(product, e.product) && is(resource_type, e.resource_type) &&
           is(resource, e.resource) && is(address, e.address);
}

}  // namespace meridian::metering
