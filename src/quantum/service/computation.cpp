#include "quantum/service/computation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace meridian::quantum::service {

std::size_t bytes_of(const Circuit& circuit) {
    const auto of = [](const auto& pool) { return pool.size() * sizeof(pool.front()); };
    return of(circuit.ops) + of(circuit.operands) + of(circuit.angles) + of(circuit.matrices) + of(circuit.expressions);
}

std::size_t bytes_of(std::span<const Circuit> circuits) {
    std::size_t bytes = 0;
    for (const auto& circuit : circuits) bytes += bytes_of(circuit);
    return bytes;
}

expected<Observable> read_observable(const Json& list, std::string_view name) {
    const auto wrong = [&] {
        return complaint(
            fmt::format("'{}' is a list such as [[\"ZZ\", 1.0], [\"XI\", -0.5]]: strings of I, X, Y and Z of one length, at "
                        "most 64, with finite numbers.",
                        name));
    };
    if (!list.is_array() || list.get_array().empty()) return wrong();
    if (list.get_array().size() > quantum::limits::pauli_terms)
        return complaint(fmt::format("'{}' has more than {} terms.", name, quantum::limits::pauli_terms));
    Observable made;
    for (const auto& pair : list.get_array()) {
        const auto* both = pair.if_array();
        if (!both || both->size() != 2 || !(*both)[0].is_string() || !(*both)[1].is_number()) return wrong();
        std::string letters(::meridian::view((*both)[0].get_string()));
        std::ranges::reverse(letters);  // the engine's first letter is qubit 0
        const auto term = pauli((*both)[1].to_number<double>(), letters);
        if (!term || !std::isfinite(term->coefficient) || letters.empty() || (made.qubits != 0 && made.qubits != letters.size()))
            return wrong();
        made.qubits = static_cast<std::uint32_t>(letters.size());
        made.sum.push_back(*term);
    }
    return made;
}

expected<std::unique_ptr<Computation>> read_computation(std::string_view computes, std::string_view input, const Platform& platform) {
    struct Known {
        std::string_view computes;
        expected<std::unique_ptr<Computation>> (*read)(const Json&, const Platform&);
    };
    static constexpr std::array known = {Known{"vqe", read_vqe}, Known{"sweep", read_sweep}};
    const auto found = std::ranges::find(known, computes, &Known::computes);
    if (found == known.end()) return complaint("This zone does not know how to compute this application any more.");
    const auto json = parse_json(input);
    if (!json) return complaint(fmt::format("The input cannot be read as JSON: {}.", json.error().said), json.error().at);
    if (!json->is_object()) return complaint("The input must be a JSON object, as the application's input_template is.");
    return found->read(*json, platform);
}

}  // namespace meridian::quantum::service
