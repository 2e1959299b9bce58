#include "quantum/service/visible.h"

#include <fmt/format.h>

#include <algorithm>

namespace meridian::quantum::service {
namespace {

template <class Row, class TypedId>
Row visible(std::optional<Row> row, const identity::Caller& caller, const TypedId& id, const char* what) {
    if (row) identity::check_reach(caller, {row->organization, row->project}, what);
    if (!row || row->organization != caller.organization || !caller.may_see(row->project))
        throw Error(Fault::not_found, fmt::format("There is no {} with this id.", what)).about(what, id.str());
    return *std::move(row);
}

}  // namespace

Session visible_session(store::Tx& tx, const identity::Caller& caller, const SessionId& id) {
    return visible(rows::session(tx, id), caller, id, "session");
}
Job visible_job(store::Tx& tx, const identity::Caller& caller, const JobId& id) { return visible(rows::job(tx, id), caller, id, "job"); }
Program visible_program(store::Tx& tx, const identity::Caller& caller, const ProgramId& id) {
    return visible(rows::program(tx, id), caller, id, "model");
}
Process visible_process(store::Tx& tx, const identity::Caller& caller, const ProcessId& id) {
    return visible(rows::process(tx, id), caller, id, "process");
}
Booking visible_booking(store::Tx& tx, const identity::Caller& caller, const BookingId& id) {
    return visible(rows::booking(tx, id), caller, id, "booking");
}

void wrong(std::string field, std::string said) {
    throw Error(Fault::invalid, said).with({std::move(field), FieldProblem::Reason::constraint, said});
}

Uuid ordered_id(Rng& rng, Timestamp now) {
    return Uuid::ordered(rng, std::chrono::floor<std::chrono::milliseconds>(now).time_since_epoch().count());
}

void check_name(const std::string& name) {
    if (name.size() > limits::name) wrong("name", fmt::format("A name has at most {} bytes.", limits::name));
}

void check_tags(const std::vector<std::string>& tags) {
    if (tags.size() > limits::tags) wrong("tags", fmt::format("There are at most {} tags.", limits::tags));
    if (std::ranges::any_of(tags, [](const std::string& tag) { return tag.size() > limits::tag; }))
        wrong("tags", fmt::format("A tag has at most {} bytes.", limits::tag));
}

void check_parameters(const std::optional<std::string>& parameters) {
    if (parameters && parameters->size() > limits::parameters_bytes)
        wrong("parameters", fmt::format("Parameters have at most {} bytes.", limits::parameters_bytes));
}

}  // namespace meridian::quantum::service
