// How a request ends badly: one exception type and a short closed list of faults. Each protocol renders a fault once.
#pragma once
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace meridian {

enum class Fault {
    invalid,          // the caller's input is wrong; `fields` says where
    unauthenticated,  // no credential, or one that is not known
    denied,           // known, but not allowed, and allowed to know that
    not_found,        // does not exist, or the caller may not know that it does
    conflict,         // exists already, or is in a state that forbids this
    precondition,     // something else has to be done first
    gone,             // existed, and expired
    too_large,        // over a named limit
    quota,            // the caller's own limit is used up
    busy,             // too much at the moment; try again after `retry_after`
    unavailable,      // we cannot do it now, for reasons of our own
    bug,              // our mistake
};

// One wrong field of an input: where it is, what is wrong, what to do.
struct FieldProblem {
    enum class Reason { unknown, required, format, constraint };
    std::string name;  // dotted path: "endpoints.0.disable_auth"
    Reason reason = Reason::unknown;
    std::string help;
};

class Error : public std::exception {
public:
    explicit Error(Fault fault, std::string said, std::string logged = {});

    Fault fault;
    std::string said;                   // for the user: a sentence that says what to do
    std::string logged;                 // for the operator; never content
    std::string code;                   // a dialect's own word where one exists ("model_not_found"); may be empty
    std::string resource, resource_id;  // what it is about, when it is about one thing
    std::string state;                  // that thing's state, for a conflict
    std::vector<FieldProblem> fields;
    std::optional<Duration> retry_after;

    Error&& about(std::string what, std::string id) &&;
    Error&& with_code(std::string word) &&;
    Error&& in_state(std::string now) &&;
    Error&& after(Duration wait) &&;
    Error&& with(FieldProblem problem) &&;

    [[nodiscard]] const char* what() const noexcept override { return said.c_str(); }
};

std::string_view name(Fault fault);

[[noreturn]] void assertion_failed(const char* claim, const char* file, int line);

}  // namespace meridian

// For our own mistakes only; stays on in release builds and cannot be reached from input.
#define MERIDIAN_ASSERT(claim) ((claim) ? void(0) : ::meridian::assertion_failed(#claim, __FILE__, __LINE__))
