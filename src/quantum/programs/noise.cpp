#include "quantum/programs/noise.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "quantum/programs/matrix_json.h"

namespace meridian::quantum {
namespace {

constexpr double probability_tolerance = 1e-6;

std::optional<double> number(const Json& value) {
    if (value.is_double()) return value.as_double();
    if (value.is_int64()) return static_cast<double>(value.as_int64());
    if (value.is_uint64()) return static_cast<double>(value.as_uint64());
    return std::nullopt;
}

const JsonArray* array_member(const Json& object, std::string_view key) {
    const Json* found = member(object, key);
    return found == nullptr ? nullptr : found->if_array();
}

expected<std::vector<std::uint32_t>> qubits_of(const Json* value) {
    const JsonArray* list = value == nullptr ? nullptr : value->if_array();
    if (list == nullptr || list->empty()) return complaint("an instruction needs 'qubits', a list of numbers");
    std::vector<std::uint32_t> qubits;
    for (const Json& each : *list) {
        if (!each.is_int64() || each.as_int64() < 0 || each.as_int64() >= limits::qubits)
            return complaint("a qubit must be a small whole number");
        qubits.push_back(static_cast<std::uint32_t>(each.as_int64()));
    }
    auto sorted = qubits;
    std::ranges::sort(sorted);
    if (std::ranges::adjacent_find(sorted) != sorted.end()) return complaint("an instruction names the same qubit twice");
    return qubits;
}

expected<std::vector<std::vector<std::uint32_t>>> gate_qubits_of(const Json& error) {
    std::vector<std::vector<std::uint32_t>> all;
    const Json* given = member(error, "gate_qubits");
    if (given == nullptr || given->is_null()) return all;
    const JsonArray* list = given->if_array();
    if (list == nullptr) return complaint("'gate_qubits' must be a list of lists of qubits");
    for (const Json& each : *list) {
        auto qubits = qubits_of(&each);
        if (!qubits) return unexpected(qubits.error());
        all.push_back(std::move(*qubits));
    }
    return all;
}

// Paulis as one text, "XY": the last letter acts on the first qubit.
expected<void> add_paulis(Circuit& to, std::string_view letters, std::span<const std::uint32_t> qubits) {
    if (letters.size() != qubits.size()) return complaint("'pauli' needs one letter for each of its qubits");
    for (std::size_t k = 0; k < letters.size(); ++k) {
        constexpr std::string_view known = "IXYZ";
        constexpr Gate gates[] = {Gate::id, Gate::x, Gate::y, Gate::z};
        const std::size_t which = known.find(letters[letters.size() - 1 - k]);
        if (which == std::string_view::npos) return complaint("'pauli' consists of the letters I, X, Y and Z");
        if (which != 0) to.add(gates[which], qubits.subspan(k, 1));
    }
    return {};
}

expected<void> add_matrices(Circuit& to, std::string_view name, const JsonArray& parameters, std::span<const std::uint32_t> qubits) {
    const bool is_unitary = name == "unitary";
    const std::size_t dimension = std::size_t{1} << qubits.size();
    std::vector<Matrix> matrices;
    for (const Json& each : parameters) {
        auto matrix = read_aer_matrix(each, dimension);
        if (!matrix) return unexpected(matrix.error());
        matrices.push_back(std::move(*matrix));
    }
    if (matrices.empty() || (is_unitary && matrices.size() != 1)) return complaint(fmt::format("'{}' needs its matrices", name));
    Matrix sum(dimension * dimension);  // of M* M, which must be 1
    for (const Matrix& matrix : matrices) {
        const Matrix part = product(adjoint(matrix, dimension), matrix, dimension);
        for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += part[k];
    }
    for (std::size_t k = 0; k < sum.size(); ++k)
        if (!(std::abs(sum[k] - (k % (dimension + 1) == 0 ? 1.0 : 0.0)) < limits::unitary_tolerance))
            return complaint(fmt::format("the matrices of '{}' do not keep probabilities", name));
    if (is_unitary) {
        to.add_unitary(qubits, 0, matrices[0]);
        return {};
    }
    Op op{.kind = Op::Kind::channel, .target = static_cast<std::uint32_t>(matrices.size())};
    op.first_operand = static_cast<std::uint32_t>(to.operands.size());
    op.operand_count = static_cast<std::uint32_t>(qubits.size());
    op.first = static_cast<std::uint32_t>(to.matrices.size());
    to.operands.insert(to.operands.end(), qubits.begin(), qubits.end());
    for (const Matrix& matrix : matrices) to.matrices.insert(to.matrices.end(), matrix.begin(), matrix.end());
    to.ops.push_back(op);
    return {};
}

expected<void> add_instruction(Circuit& to, const Json& instruction) {
    const auto* spelled = text_member(instruction, "name");
    if (spelled == nullptr) return complaint("an instruction needs a 'name'");
    const std::string_view name = view(*spelled);
    const auto qubits = qubits_of(member(instruction, "qubits"));
    if (!qubits) return unexpected(qubits.error());
    for (const std::uint32_t qubit : *qubits) {
        if (qubit >= limits::noise_qubits) return complaint(fmt::format("an error acts on at most {} qubits", limits::noise_qubits));
        to.qubits = std::max(to.qubits, qubit + 1);
    }
    const JsonArray* parameters = array_member(instruction, "params");
    if (name == "reset") {
        for (const std::uint32_t qubit : *qubits) to.add_reset(qubit);
        return {};
    }
    if (name == "pauli") {
        if (parameters == nullptr || parameters->size() != 1 || !(*parameters)[0].is_string())
            return complaint("'pauli' needs one text of letters");
        return add_paulis(to, view((*parameters)[0].as_string()), *qubits);
    }
    if (name == "kraus" || name == "unitary") return add_matrices(to, name, parameters == nullptr ? JsonArray{} : *parameters, *qubits);
    const auto gate = gate_named(name);
    if (!gate) return complaint(fmt::format("there is no gate '{}' that an error could be made of", name));
    std::vector<double> angles;
    if (parameters != nullptr)
        for (const Json& each : *parameters) angles.push_back(number(each).value_or(std::nan("")));
    if (angles.size() != info(*gate).parameters || qubits->size() != info(*gate).operands() ||
        !std::ranges::all_of(angles, [](double angle) { return std::isfinite(angle); }))
        return complaint(fmt::format("'{}' takes {} angles and {} qubits", name, info(*gate).parameters, info(*gate).operands()));
    if (*gate != Gate::id) to.add(*gate, *qubits, angles);
    return {};
}

expected<GateError> gate_error(const Json& error) {
    GateError made;
    if (const auto* id = text_member(error, "id")) made.id = view(*id);
    const JsonArray* operations = array_member(error, "operations");
    if (operations == nullptr || operations->empty()) return complaint("a gate error needs 'operations', the names of gates");
    for (const Json& each : *operations) {
        if (!each.is_string()) return complaint("'operations' must be names of gates");
        made.operations.emplace_back(view(each.as_string()));
    }
    auto where = gate_qubits_of(error);
    if (!where) return unexpected(where.error());
    made.gate_qubits = std::move(*where);
    const JsonArray *circuits = array_member(error, "instructions"), *probabilities = array_member(error, "probabilities");
    if (circuits == nullptr || probabilities == nullptr || circuits->size() != probabilities->size() || circuits->empty())
        return complaint("a gate error needs as many 'probabilities' as 'instructions'");
    if (circuits->size() > limits::noise_branches)
        return complaint(fmt::format("an error has at most {} outcomes", limits::noise_branches));
    double sum = 0;
    for (std::size_t k = 0; k < circuits->size(); ++k) {
        ErrorBranch branch{.probability = number((*probabilities)[k]).value_or(-1), .circuit = {}};
        if (!(branch.probability >= 0 && branch.probability <= 1 + probability_tolerance))
            return complaint("a probability lies between 0 and 1");
        sum += branch.probability;
        const JsonArray* instructions = (*circuits)[k].if_array();
        if (instructions == nullptr) return complaint("each outcome of an error is a list of instructions");
        for (const Json& instruction : *instructions)
            if (const auto added = add_instruction(branch.circuit, instruction); !added) return unexpected(added.error());
        made.branches.push_back(std::move(branch));
    }
    if (std::abs(sum - 1) > probability_tolerance) return complaint("the probabilities of an error must add up to 1");
    return made;
}

expected<ReadoutError> readout_error(const Json& error) {
    ReadoutError made;
    auto where = gate_qubits_of(error);
    if (!where) return unexpected(where.error());
    made.gate_qubits = std::move(*where);
    const Json* given = member(error, "probabilities");
    const JsonArray* rows = given == nullptr ? nullptr : given->if_array();
    if (rows == nullptr || rows->size() < 2 || rows->size() > std::size_t{1} << limits::noise_qubits ||
        (rows->size() & (rows->size() - 1)) != 0)
        return complaint("a readout error needs 'probabilities', one row for each value");
    for (const Json& row : *rows) {
        const JsonArray* columns = row.if_array();
        if (columns == nullptr || columns->size() != rows->size())
            return complaint("the rows of a readout error are as long as there are rows");
        double sum = 0;
        auto& into = made.probabilities.emplace_back();
        for (const Json& each : *columns) {
            into.push_back(number(each).value_or(-1));
            if (!(into.back() >= 0 && into.back() <= 1 + probability_tolerance)) return complaint("a probability lies between 0 and 1");
            sum += into.back();
        }
        if (std::abs(sum - 1) > probability_tolerance) return complaint("each row of a readout error must add up to 1");
    }
    return made;
}

}  // namespace

expected<NoiseModel> read_noise_model(std::string_view text) {
    if (text.size() > limits::noise_bytes) return complaint(fmt::format("a noise model has at most {} MiB", limits::noise_bytes >> 20));
    const auto json = parse_json(text);
    if (!json) return unexpected(json.error());
    const JsonArray* errors = array_member(*json, "errors");
    if (errors == nullptr) return complaint("a noise model needs 'errors', a list");
    if (errors->size() > limits::noise_errors) return complaint(fmt::format("a noise model has at most {} errors", limits::noise_errors));
    NoiseModel model;
    for (std::size_t k = 0; k < errors->size(); ++k) {
        const Json& error = (*errors)[k];
        const auto* type = text_member(error, "type");
        const auto failed = [k](const Diagnostic& why) { return complaint(fmt::format("error {}: {}", k + 1, why.said)); };
        if (type != nullptr && view(*type) == "qerror") {
            auto made = gate_error(error);
            if (!made) return failed(made.error());
            model.gate_errors.push_back(std::move(*made));
        } else if (type != nullptr && view(*type) == "roerror") {
            auto made = readout_error(error);
            if (!made) return failed(made.error());
            model.readout_errors.push_back(std::move(*made));
        } else {
            return failed({"its 'type' must be qerror or roerror"});
        }
    }
    return model;
}

}  // namespace meridian::quantum
