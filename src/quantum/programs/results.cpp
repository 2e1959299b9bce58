#include "quantum/programs/results.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "quantum/programs/compress.h"

namespace meridian::quantum {
namespace {

constexpr int cirq_result = 1, qiskit_result = 2;
constexpr int zlib_base64 = 2;
constexpr std::string_view hex_digits = "0123456789abcdef";

std::string quoted(std::string_view text) { return to_text(Json(boost::json::string_view(text.data(), text.size()))); }

bool is_set(const ShotBits& bits, std::uint32_t k) { return k / 64 < bits.size() && (bits[k / 64] >> (k % 64) & 1) != 0; }

// The bits that clients see, first register first: those of no register (measurements that nobody reads) are left out.
std::vector<std::uint32_t> slots_of(const Circuit& circuit) {
    std::vector<std::uint32_t> slots;
    for (const Register& bits : circuit.bit_registers)
        for (std::uint32_t k = 0; k < bits.size; ++k) slots.push_back(bits.first + k);
    return slots;
}

std::string digits_of(const ShotBits& bits, std::span<const std::uint32_t> slots) {
    std::string text(slots.size(), '0');
    for (std::size_t k = 0; k < slots.size(); ++k)
        if (is_set(bits, slots[k])) text[slots.size() - 1 - k] = '1';
    return text;
}

std::string hex_of(const ShotBits& bits, std::span<const std::uint32_t> slots) {
    std::string text;
    for (std::size_t first = 0; first < slots.size(); first += 4) {
        unsigned digit = 0;
        for (std::size_t k = first; k < std::min(first + 4, slots.size()); ++k) digit |= unsigned{is_set(bits, slots[k])} << (k - first);
        text += hex_digits[digit];
    }
    while (text.size() > 1 && text.back() == '0') text.pop_back();
    std::ranges::reverse(text);
    return "0x" + (text.empty() ? "0" : text);
}

std::string sizes_of(std::span<const Register> registers) {
    std::string text;
    for (const Register& each : registers) text += fmt::format("{}[{},{}]", text.empty() ? "" : ",", quoted(each.name), each.size);
    return "[" + text + "]";
}

// Plain digits, as many as there are bits: qio's reader pads and shifts anything that begins with 0x by the number of qubits.
std::string counts_of(const CircuitResult& result, std::span<const std::uint32_t> slots) {
    std::map<std::string, std::uint64_t> sums;  // outcomes that differ in bits of no register are one
    for (const auto& [bits, count] : result.counts) sums[digits_of(bits, slots)] += count;
    std::string text = "{";
    for (const auto& [digits, count] : sums)
        fmt::format_to(std::back_inserter(text), "{}\"{}\":{}", text.size() > 1 ? "," : "", digits, count);
    return text + "}";
}

std::string experiment(const Circuit& circuit, const CircuitResult& result, bool shows_memory) {
    const auto slots = slots_of(circuit);
    std::string data;
    if (!slots.empty()) {
        data = "\"counts\":" + counts_of(result, slots);
        if (shows_memory) {
            data += ",\"memory\":[";
            for (std::size_t k = 0; k < result.memory.size(); ++k)
                data += fmt::format("{}\"{}\"", k == 0 ? "" : ",", hex_of(result.memory[k], slots));
            data += "]";
        }
    }
    return fmt::format(
        R"({{"shots":{},"success":true,"status":"DONE","meas_level":2,"seed_simulator":{},"data":{{{}}},"header":{{"name":{},"n_qubits":{},"memory_slots":{},"creg_sizes":{},"qreg_sizes":{},"global_phase":{:.17g},"metadata":{{}}}}}})",
        result.shots, result.seed, data, quoted(circuit.name), circuit.qubits, slots.size(), sizes_of(circuit.bit_registers),
        sizes_of(circuit.qubit_registers), circuit.global_phase);
}

std::string qiskit_text(const Job& job, const JobParameters& parameters, std::span<const CircuitResult> results, const Answer& answer) {
    std::string all;
    for (std::size_t k = 0; k < results.size(); ++k)
        all += (k == 0 ? "" : ",") + experiment(job.circuits[k], results[k], parameters.memory);
    return fmt::format(
        R"({{"backend_name":{},"backend_version":{},"job_id":{},"qobj_id":{},"success":true,"status":"COMPLETED","date":{},"results":[{}],"header":null,"metadata":{{}}}})",
        quoted(answer.backend_name), quoted(answer.backend_version), quoted(answer.job_id), quoted(answer.job_id), quoted(answer.date),
        all);
}

// One key of Cirq: its measurements in order, bits row-major (shot, measurement, qubit), the first in the high bit of a byte.
std::string record(const CircuitResult& result, std::span<const Register> instances) {
    std::string hex;
    unsigned byte = 0, filled = 0;
    const auto push = [&](bool bit) {
        byte = byte << 1 | unsigned{bit};
        if (++filled < 8) return;
        hex += hex_digits[byte >> 4];
        hex += hex_digits[byte & 15];
        byte = filled = 0;
    };
    const auto shot = [&](const ShotBits& bits) {
        for (const Register& instance : instances)
            for (std::uint32_t k = 0; k < instance.size; ++k) push(is_set(bits, instance.first + k));
    };
    if (result.memory.empty())
        for (const auto& [bits, count] : result.counts)
            for (std::uint64_t k = 0; k < count; ++k) shot(bits);
    else
        for (const ShotBits& bits : result.memory) shot(bits);
    while (filled != 0) push(false);
    return fmt::format(R"({{"packed_digits":"{}","binary":true,"dtype":"int8","shape":[{},{},{}]}})", hex, result.shots, instances.size(),
                       instances.front().size);
}

std::string cirq_text(const Circuit& circuit, const CircuitResult& result) {
    std::vector<std::pair<std::string, std::vector<Register>>> keys;
    std::map<std::string, std::size_t> numbers;
    for (const Register& bits : circuit.bit_registers) {
        const auto [found, is_new] = numbers.emplace(bits.name, keys.size());
        if (is_new) keys.push_back({bits.name, {}});
        keys[found->second].second.push_back(bits);
    }
    std::string records;
    for (const auto& [key, instances] : keys)
        records += fmt::format("{}{}:{}", records.empty() ? "" : ",", quoted(key), record(result, instances));
    return fmt::format(R"({{"params":{{"cirq_type":"ParamResolver","param_dict":[]}},"records":{{{}}}}})", records);
}

}  // namespace

bool needs_memory(const Job& job, const JobParameters& parameters) { return parameters.memory || job.client.form == AnswerForm::cirq; }

std::string write_results(const Job& job, const JobParameters& parameters, std::span<const CircuitResult> results, const Answer& answer) {
    MERIDIAN_ASSERT(results.size() == job.circuits.size() && !results.empty());
    const bool is_cirq = job.client.form == AnswerForm::cirq;
    const std::string text = is_cirq ? cirq_text(job.circuits[0], results[0]) : qiskit_text(job, parameters, results, answer);
    return fmt::format(R"({{"compression_format":{},"serialization":"{}","serialization_format":{}}})", zlib_base64, base64(zip(text)),
                       is_cirq ? cirq_result : qiskit_result);
}

std::string bit_text(const Circuit& circuit, std::span<const std::uint64_t> words) {
    std::string out;
    for (std::uint32_t k = circuit.bits; k-- > 0;) {
        out += (words[k / 64] >> (k % 64) & 1) ? '1' : '0';
        const bool is_border = std::ranges::any_of(circuit.bit_registers, [k](const Register& r) { return r.first == k && k > 0; });
        if (is_border) out += ' ';
    }
    return out;
}

}  // namespace meridian::quantum
