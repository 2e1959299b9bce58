#include "quantum/programs/job.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "base/json.h"
#include "quantum/programs/cirq.h"
#include "quantum/programs/compress.h"
#include "quantum/programs/openqasm.h"

namespace meridian::quantum {
namespace {

enum ProgramFormat : std::int64_t { qasm_1 = 1, qasm_2 = 2, qasm_3 = 3, qir_1 = 4, cirq_json = 5, perceval_json = 6, pulser_json = 7 };
enum Compression : std::int64_t { uncompressed = 1, zlib_base64 = 2 };

constexpr std::size_t steps_of_each = 1u << 14;  // at least, however many programs share a job's bound

constexpr std::string_view cirq_client = "cirq-scaleway";

// The text of a JSON value may be a JSON string that holds the JSON text, and so on.
expected<Json> decoded(std::string_view text, std::string_view what) {
    if (text.size() > limits::payload_bytes)
        return complaint(fmt::format("{} has more than {} MiB; send a smaller one", what, limits::payload_bytes >> 20));
    auto json = parse_json(text);
    for (std::size_t round = 0; json && json->is_string(); ++round) {
        if (round == limits::payload_encodings) return complaint(fmt::format("{} is JSON inside of JSON, too many times over", what));
        const std::string inner(view(json->as_string()));
        json = parse_json(inner);
    }
    if (!json) return complaint(fmt::format("{} cannot be read: {}", what, json.error().said), json.error().at);
    if (!json->is_object()) return complaint(fmt::format("{} must be a JSON object", what));
    return json;
}

std::optional<std::int64_t> whole_member(const Json& object, std::string_view key) {
    const Json* found = member(object, key);
    if (found == nullptr) return std::nullopt;
    if (found->is_int64()) return found->as_int64();
    if (found->is_uint64() && found->as_uint64() <= std::uint64_t{1} << 62) return static_cast<std::int64_t>(found->as_uint64());
    return std::nullopt;
}

// The text that an envelope of qio carries.
expected<std::string> carried(const Json& envelope, std::size_t bytes_max) {
    const auto* text = text_member(envelope, "serialization");
    if (text == nullptr) return complaint("its 'serialization' must be a string");
    const auto compression = whole_member(envelope, "compression_format");
    if (compression == uncompressed) {
        if (text->size() > bytes_max) return complaint("it is larger than the limit; send less");
        return std::string(view(*text));
    }
    if (compression != zlib_base64) return complaint("its 'compression_format' must be 1 (none) or 2 (zlib and base64)");
    const auto bytes = unbase64(view(*text));
    if (!bytes) return complaint("its 'serialization' is not base64");
    return unzip(*bytes, bytes_max);
}

// Cirq names a register after the key where the key is a word, and writes the key beside it where it is not:
//     bit[2] m0;  // Measurement: a key
void name_after_keys(Circuit& circuit, std::string_view text) {
    constexpr std::string_view mark = "// Measurement: ";
    for (Register& bits : circuit.bit_registers)
        if (bits.name.starts_with("m_")) bits.name.erase(0, 2);
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string_view::npos; at += mark.size()) {
        const std::size_t line = text.substr(0, at).find_last_of('\n') + 1;
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string_view declaration = text.substr(line, at - line);
        if (!declaration.starts_with("creg ") && !declaration.starts_with("bit[")) return;  // declarations come first
        for (Register& bits : circuit.bit_registers)
            if (declaration.contains(fmt::format(" {}{}", bits.name, declaration.starts_with("creg") ? '[' : ';')))
                bits.name = text.substr(at + mark.size(), end - at - mark.size());
    }
}

expected<Circuit> circuit_of(const Json& envelope, std::size_t bytes_max, const ReadLimits& bounds, bool is_for_cirq, bool& has_cirq,
                             std::size_t& bytes) {
    const auto format = whole_member(envelope, "serialization_format");
    switch (format.value_or(0)) {
        case qasm_2:
        case qasm_3:
        case cirq_json:
            break;
        case qasm_1:
            return complaint("OpenQASM 1 is not read here; send OpenQASM 2 or 3");
        case qir_1:
            return complaint("QIR is not read here; send OpenQASM 2 or 3");
        case perceval_json:
        case pulser_json:
            return complaint("this platform runs gate circuits; choose a platform for photons or neutral atoms");
        default:
            return complaint("its 'serialization_format' must be 2 (OpenQASM 2), 3 (OpenQASM 3) or 5 (Cirq)");
    }
    const auto text = carried(envelope, bytes_max);
    if (!text) return unexpected(text.error());
    bytes = text->size();
    has_cirq |= format == cirq_json;
    if (format == cirq_json) return read_cirq(*text, bounds);
    auto circuit = read_openqasm(*text, bounds);
    if (!circuit) return complaint(said_with_place(circuit.error(), *text), circuit.error().at);
    if (is_for_cirq) name_after_keys(*circuit, *text);
    return circuit;
}

BackendWish wish_of(const Json* backend) {
    BackendWish wish;
    if (backend == nullptr) return wish;
    const auto text = [](const Json& from, std::string_view key) {
        const auto* found = text_member(from, key);
        return found == nullptr ? std::string() : std::string(view(*found));
    };
    wish.name = text(*backend, "name");
    wish.version = text(*backend, "version");
    if (const Json* options = member(*backend, "options")) {
        if (const auto seed = whole_member(*options, "seed_simulator"); seed && *seed >= 0)
            wish.seed_simulator = static_cast<std::uint64_t>(*seed);
        wish.method = text(*options, "method");
        wish.precision = text(*options, "precision");
    }
    return wish;
}

}  // namespace

expected<Job> read_job(std::string_view model_payload, const ReadLimits& bounds) {
    const auto payload = decoded(model_payload, "the job's payload");
    if (!payload) return unexpected(payload.error());
    const Json* programs = member(*payload, "programs");
    const JsonArray* list = programs == nullptr ? nullptr : programs->if_array();
    if (list == nullptr || list->empty()) return complaint("the job's payload has no 'programs'; send at least one");
    if (list->size() > limits::programs)
        return complaint(fmt::format("a job holds at most {} programs; send several jobs", limits::programs));
    Job job;
    if (const Json* client = member(*payload, "client"))
        if (const auto* agent = text_member(*client, "user_agent")) job.client.user_agent = view(*agent);
    const bool is_for_cirq = job.client.user_agent.starts_with(cirq_client);
    job.backend = wish_of(member(*payload, "backend"));

    std::size_t bytes_left = limits::unpacked_bytes, operations_left = bounds.operations;
    const std::size_t steps = std::min(bounds.steps, std::max(bounds.steps / list->size(), steps_of_each));
    bool has_cirq = false;
    for (std::size_t k = 0; k < list->size(); ++k) {
        std::size_t bytes = 0;
        auto circuit = circuit_of((*list)[k], std::min(bytes_left, limits::openqasm_bytes), {.operations = operations_left, .steps = steps},
                                  is_for_cirq, has_cirq, bytes);
        if (!circuit) {
            const std::string which = list->size() == 1 ? "the circuit" : fmt::format("circuit {} of {}", k + 1, list->size());
            return complaint(fmt::format("{}: {}", which, circuit.error().said), circuit.error().at);
        }
        if (circuit->name.empty()) circuit->name = fmt::format("circuit-{}", k);
        bytes_left -= bytes;
        operations_left -= circuit->ops.size();
        job.circuits.push_back(std::move(*circuit));
    }
    job.client.form = has_cirq || is_for_cirq ? AnswerForm::cirq : AnswerForm::qiskit;
    if (job.client.form == AnswerForm::cirq && job.circuits.size() != 1)
        return complaint("a job of Cirq holds one circuit; send several jobs");

    if (const Json* noise = member(*payload, "noise_model"); noise != nullptr && !noise->is_null()) {
        const auto text = carried(*noise, limits::noise_bytes);
        if (!text) return complaint(fmt::format("the noise model: {}", text.error().said));
        auto model = read_noise_model(*text);
        if (!model) return complaint(fmt::format("the noise model: {}", model.error().said), model.error().at);
        job.noise = std::move(*model);
    }
    return job;
}

expected<JobParameters> read_parameters(std::string_view text) {
    const auto json = decoded(text, "the job's parameters");
    if (!json) return unexpected(json.error());
    const auto shots = whole_member(*json, "shots");
    if (!shots || *shots < 1) return complaint("the job's parameters need 'shots', a whole number above 0");
    if (static_cast<std::uint64_t>(*shots) > limits::job_shots)
        return complaint(fmt::format("a job has at most {} shots; ask for fewer", limits::job_shots));
    JobParameters parameters{.shots = static_cast<std::uint64_t>(*shots)};
    if (const Json* options = member(*json, "options"))
        if (const Json* memory = member(*options, "memory")) parameters.memory = memory->is_bool() && memory->as_bool();
    return parameters;
}

}  // namespace meridian::quantum
