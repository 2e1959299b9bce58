// Writes results in the envelope that qio's readers parse: Qiskit's form for OpenQASM programs, Cirq's for Cirq callers.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "quantum/ir/circuit.h"
#include "quantum/programs/job.h"

namespace meridian::quantum {

// The classical bits of one shot, 64 a word, bit 0 first.
using ShotBits = std::vector<std::uint64_t>;

struct CircuitResult {
    std::uint64_t shots = 0, seed = 0;
    std::vector<std::pair<ShotBits, std::uint64_t>> counts;
    std::vector<ShotBits> memory;  // in the order of the shots; needed where `needs_memory` says so
};

struct Answer {
    std::string backend_name, backend_version, job_id;
    std::string date;  // RFC 3339
};

// Whether the client's form shows every shot; counts are enough otherwise.
bool needs_memory(const Job& job, const JobParameters& parameters);

// As Qiskit writes counts: the first bit of the first register rightmost, registers apart by a blank.
std::string bit_text(const Circuit& circuit, std::span<const std::uint64_t> words);

// The text of one JobResult. `results` are those of the job's circuits, in order; their seeds and shots are written as they are.
std::string write_results(const Job& job, const JobParameters& parameters, std::span<const CircuitResult> results, const Answer& answer);

}  // namespace meridian::quantum
