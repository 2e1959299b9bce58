// Quantum platforms and applications as data: what a zone offers to circuits, what it charges, and which computations it has ready. The
// numbers that depend on a machine are put in by whoever offers the platform.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"
#include "base/json.h"
#include "base/money.h"

namespace meridian::catalog {

struct BookingRule {
    std::uint32_t minutes_min = 0, minutes_max = 0;  // of one booking
    std::uint32_t per_day_max = 0, per_week_max = 0;
};

struct PlatformFacts {
    std::string name;     // "{cpus}" and "{memory}" (GiB) stand for the node's
    std::string version;  // of what it offers, in the client's eyes
    std::string provider, backend, technology, description, documentation_url;
    std::string precision;         // what it computes in when the client does not say: "double" or "single"
    std::uint32_t qubits_max = 0;  // the node's memory may allow fewer
    std::uint64_t shots_max = 0, circuits_max = 0;
    Money per_hour, per_shot, per_circuit;  // an hour of computing
    std::optional<BookingRule> booking;     // only what can be booked has one
};

struct ApplicationFacts {
    std::string name;
    std::string type;      // in the client's eyes: "vqe" or "unknown_type"
    std::string computes;  // what the quantum service knows to compute
    std::string description, input_template;
};

// catalog/platforms.yaml. A complaint names each wrong line.
expected<std::vector<PlatformFacts>> parse_platforms_yaml(std::string_view text);
// catalog/applications.yaml, in the same way.
expected<std::vector<ApplicationFacts>> parse_applications_yaml(std::string_view text);
// Any other data file of the catalogue, for the room that knows what it says.
expected<Json> json_of_yaml(std::string_view text);

}  // namespace meridian::catalog
