// Reads what a Qiskit, PennyLane or Cirq client posts as a job: the qio envelope with its programs, and the parameters beside it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"
#include "quantum/ir/circuit.h"
#include "quantum/programs/noise.h"
#include "quantum/programs/openqasm.h"

namespace meridian::quantum {

// What the client asked of the backend. Options that do not change results of an exact engine are left out.
struct BackendWish {
    std::string name, version;
    std::optional<std::uint64_t> seed_simulator;
    std::string method;     // empty: automatic
    std::string precision;  // "single", "double" or empty
};

enum class AnswerForm : std::uint8_t { qiskit, cirq };

struct Client {
    std::string user_agent;
    AnswerForm form = AnswerForm::qiskit;
};

struct Job {
    std::vector<Circuit> circuits;
    std::optional<NoiseModel> noise;
    BackendWish backend;
    Client client;
};

// `model_payload` is the text of the model, which may be encoded as JSON more than once. A complaint says which program it is about
// and where in its text. `bounds` hold for all programs of the job together.
expected<Job> read_job(std::string_view model_payload, const ReadLimits& bounds = {});

struct JobParameters {
    std::uint64_t shots = 0;
    bool memory = false;  // the client wants every shot, in order
};
expected<JobParameters> read_parameters(std::string_view parameters);

namespace limits {
inline constexpr std::size_t payload_bytes = std::size_t{64} << 20;    // as posted
inline constexpr std::size_t unpacked_bytes = std::size_t{256} << 20;  // all programs of a job
inline constexpr std::size_t programs = 10'000;                        // of a job
inline constexpr std::size_t payload_encodings = 8;                    // JSON in JSON in JSON
inline constexpr std::uint64_t job_shots = 100'000'000;
}  // namespace limits

}  // namespace meridian::quantum
