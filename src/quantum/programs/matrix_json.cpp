#include "quantum/programs/matrix_json.h"

#include <fmt/format.h>

#include <cmath>

namespace meridian::quantum {
namespace {

double number(const Json* value) {
    if (value == nullptr) return std::nan("");
    if (value->is_double()) return value->as_double();
    if (value->is_int64()) return static_cast<double>(value->as_int64());
    if (value->is_uint64()) return static_cast<double>(value->as_uint64());
    return std::nan("");
}

Amplitude element(const Json& value) {
    if (value.is_object()) return {number(member(value, "real")), number(member(value, "imag"))};
    const JsonArray* pair = value.if_array();
    if (pair != nullptr && pair->size() == 2) return {number(&(*pair)[0]), number(&(*pair)[1])};
    return number(&value);
}

expected<Matrix> rows_of(const Json* value, std::size_t dimension) {
    const JsonArray* rows = value == nullptr ? nullptr : value->if_array();
    const auto wrong = [&] { return complaint(fmt::format("a matrix on these qubits has {0} rows of {0} numbers", dimension)); };
    if (rows == nullptr || rows->size() != dimension) return wrong();
    Matrix matrix;
    matrix.reserve(dimension * dimension);
    for (const Json& row : *rows) {
        const JsonArray* columns = row.if_array();
        if (columns == nullptr || columns->size() != dimension) return wrong();
        for (const Json& each : *columns) {
            matrix.push_back(element(each));
            if (!std::isfinite(matrix.back().real()) || !std::isfinite(matrix.back().imag()))
                return complaint("an element of a matrix is no complex number");
        }
    }
    return matrix;
}

}  // namespace

expected<Matrix> read_aer_matrix(const Json& value, std::size_t dimension) {
    return rows_of(member(value, "__ndarray__") != nullptr ? member(value, "data") : &value, dimension);
}

expected<Matrix> read_cirq_matrix(const Json& value, std::size_t dimension) { return rows_of(&value, dimension); }

}  // namespace meridian::quantum
