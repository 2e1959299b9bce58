// What a caller may see of the rows, and the refusals that all verbs share.
#pragma once
#include <string>

#include "identity/service.h"
#include "quantum/service/store.h"

namespace meridian::quantum::service {

// Another project's thing is not_found.
Session visible_session(store::Tx& tx, const identity::Caller& caller, const SessionId& id);
Job visible_job(store::Tx& tx, const identity::Caller& caller, const JobId& id);
Program visible_program(store::Tx& tx, const identity::Caller& caller, const ProgramId& id);
Process visible_process(store::Tx& tx, const identity::Caller& caller, const ProcessId& id);
Booking visible_booking(store::Tx& tx, const identity::Caller& caller, const BookingId& id);

[[noreturn]] void wrong(std::string field, std::string said);
// The id of what is made now: such ids stand in the order in which they were made.
Uuid ordered_id(Rng& rng, Timestamp now);

void check_name(const std::string& name);
void check_tags(const std::vector<std::string>& tags);

// The name and the tags that the change of a session, a job or a process may carry.
void check_words(const auto& change) {
    if (change.name) check_name(*change.name);
    if (change.tags) check_tags(*change.tags);
}
void take_words(auto& row, const auto& change, Timestamp now) {
    if (change.name) row.name = *change.name;
    if (change.tags) row.tags = *change.tags;
    row.updated_at = now;
}
void check_parameters(const std::optional<std::string>& parameters);

}  // namespace meridian::quantum::service
