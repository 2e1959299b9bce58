// Noise channels of Cirq as Kraus operators.
#include <fmt/format.h>

#include <cmath>

#include "quantum/programs/cirq/reader.h"
#include "quantum/programs/matrix_json.h"

namespace meridian::quantum::cirq {
namespace {

constexpr Amplitude i{0, 1};
const Matrix pauli_matrices[] = {{1, 0, 0, 1}, {0, 1, 1, 0}, {0, -i, i, 0}, {1, 0, 0, -1}};

Matrix scaled(Matrix matrix, double factor) {
    for (Amplitude& element : matrix) element *= factor;
    return matrix;
}

double probability(double p) {
    if (!(p >= 0 && p <= 1 + 1e-9)) complain("a probability lies between 0 and 1");
    return std::min(p, 1.0);
}

// "XYI": the first letter acts on the first qubit, which is the most significant.
Matrix word(std::string_view letters) {
    Matrix all{1};
    std::size_t n = 1;
    for (const char letter : letters) {
        const std::size_t which = std::string_view("IXYZ").find(letter);
        if (which == std::string_view::npos) complain("error probabilities belong to words of I, X, Y and Z");
        all = kronecker(all, n, pauli_matrices[which], 2);
        n *= 2;
    }
    return all;
}

constexpr std::size_t channel_qubits = 4;

}  // namespace

void Reader::add_channel(std::span<const Matrix> kraus, std::span<const std::uint32_t> qubits) {
    const std::size_t n = std::size_t{1} << qubits.size();
    Matrix sum(n * n);
    for (const Matrix& each : kraus) {
        const Matrix part = product(adjoint(each, n), each, n);
        for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += part[k];
    }
    for (std::size_t k = 0; k < sum.size(); ++k)
        if (!(std::abs(sum[k] - (k % (n + 1) == 0 ? 1.0 : 0.0)) < quantum::limits::unitary_tolerance))
            complain("this channel does not keep probabilities");
    if (circuit_.matrices.size() + kraus.size() * n * n > quantum::limits::matrix_pool)
        complain("the channels of this circuit are too large");
    Op op{.kind = Op::Kind::channel,
          .first = static_cast<std::uint32_t>(circuit_.matrices.size()),
          .target = static_cast<std::uint32_t>(kraus.size())};
    for (const Matrix& each : kraus) circuit_.matrices.insert(circuit_.matrices.end(), each.begin(), each.end());
    std::vector<std::uint32_t> reversed(qubits.rbegin(), qubits.rend());
    writer_.add(op, reversed);
}

bool Reader::channel(std::string_view type, const Json& value, std::span<const std::uint32_t> qubits) {
    std::vector<Matrix> kraus;
    const auto of = [&](std::string_view key) { return probability(number_of(value, key)); };
    const auto paulis_of = [&](std::span<const double> chances) {
        for (std::size_t k = 0; k < 4; ++k) kraus.push_back(scaled(pauli_matrices[k], std::sqrt(probability(chances[k]))));
    };
    if (qubits.empty() || qubits.size() > channel_qubits) return false;
    if (type == "BitFlipChannel") {
        paulis_of(std::array{1 - of("p"), of("p"), 0.0, 0.0});
    } else if (type == "PhaseFlipChannel") {
        paulis_of(std::array{1 - of("p"), 0.0, 0.0, of("p")});
    } else if (type == "DepolarizingChannel") {
        const double p = of("p");
        const std::size_t words = std::size_t{1} << (2 * qubits.size());
        for (std::size_t k = 0; k < words; ++k) {
            std::string letters;
            for (std::size_t q = 0; q < qubits.size(); ++q) letters += "IXYZ"[k >> (2 * q) & 3];
            kraus.push_back(scaled(word(letters), std::sqrt(k == 0 ? 1 - p : p / static_cast<double>(words - 1))));
        }
    } else if (type == "AsymmetricDepolarizingChannel") {
        const Json& chances = needed(value, "error_probabilities");
        if (!chances.is_object()) complain("'error_probabilities' names a probability for each word");
        for (const auto& each : chances.as_object()) {
            if (each.key().size() != qubits.size()) complain("each word of 'error_probabilities' has a letter for each qubit");
            kraus.push_back(
                scaled(word(std::string_view(each.key().data(), each.key().size())), std::sqrt(probability(number(each.value())))));
        }
    } else if (type == "AmplitudeDampingChannel") {
        const double gamma = of("gamma");
        kraus = {{1, 0, 0, std::sqrt(1 - gamma)}, {0, std::sqrt(gamma), 0, 0}};
    } else if (type == "PhaseDampingChannel") {
        const double gamma = of("gamma");
        kraus = {{1, 0, 0, std::sqrt(1 - gamma)}, {0, 0, 0, std::sqrt(gamma)}};
    } else if (type == "GeneralizedAmplitudeDampingChannel") {
        const double p = of("p"), gamma = of("gamma"), keep = std::sqrt(1 - gamma), lose = std::sqrt(gamma);
        kraus = {scaled({1, 0, 0, keep}, std::sqrt(p)), scaled({0, lose, 0, 0}, std::sqrt(p)), scaled({keep, 0, 0, 1}, std::sqrt(1 - p)),
                 scaled({0, 0, lose, 0}, std::sqrt(1 - p))};
    } else if (type == "KrausChannel" || type == "MixedUnitaryChannel") {
        const bool is_mixture = type == "MixedUnitaryChannel";
        if (const Json* key = member(value, "_key"); key != nullptr && !key->is_null())
            complain("channels that record which operator acted are not read here; leave the key out");
        for (const Json& each : needed_array(value, is_mixture ? "_mixture" : "_kraus_ops")) {
            const JsonArray* pair = is_mixture ? each.if_array() : nullptr;
            if (is_mixture && (pair == nullptr || pair->size() != 2)) complain("a mixture is a list of probabilities with matrices");
            const auto elements = read_cirq_matrix(is_mixture ? (*pair)[1] : each, std::size_t{1} << qubits.size());
            if (!elements) complain(elements.error().said);
            kraus.push_back(is_mixture ? scaled(*elements, std::sqrt(probability(number((*pair)[0])))) : *elements);
            if (kraus.size() > 1024) complain("a channel has at most 1024 operators");
        }
    } else {
        return false;
    }
    if (qubits.size() != 1 && kraus.front().size() != std::size_t{1} << (2 * qubits.size()))
        complain(fmt::format("{} acts on 1 qubit", type));
    add_channel(kraus, qubits);
    return true;
}

}  // namespace meridian::quantum::cirq
