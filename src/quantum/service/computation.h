// What the applications compute: read from a process's input, quoted as a circuit's job is, and run on a lane's team.
#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/expected.h"
#include "base/json.h"
#include "metering/service.h"
#include "quantum/engines/engine.h"
#include "quantum/service/types.h"

namespace meridian::quantum::service {

class Computation {
public:
    virtual ~Computation() = default;
    [[nodiscard]] virtual std::size_t bytes() const = 0;  // of memory that its circuits take
    [[nodiscard]] virtual expected<Quote> quote(const metering::Price& price, const Calibration& node, const Allowance& allowance,
                                                PlanCache* plans) const = 0;
    // The result's text. `options` carries who may end it, and who is told how far it is; its seed is for inputs that name none.
    // The complaint `cancelled` says that it was ended.
    [[nodiscard]] virtual expected<std::string> run(const RunOptions& options, Team& team, PlanCache* plans) const = 0;
};

// `computes` is an application's. Complaints are sentences for whoever wrote the input.
expected<std::unique_ptr<Computation>> read_computation(std::string_view computes, std::string_view input, const Platform& platform);

// Of memory. A few bytes of text may unroll into many operations.
std::size_t bytes_of(const Circuit& circuit);
std::size_t bytes_of(std::span<const Circuit> circuits);

// One for each word that `computes` may be.
expected<std::unique_ptr<Computation>> read_vqe(const Json& input, const Platform& platform);
expected<std::unique_ptr<Computation>> read_sweep(const Json& input, const Platform& platform);

// [["ZZ", 1.0], ["XI", -0.5]]: as Qiskit writes Pauli strings, the last letter acts on qubit 0.
struct Observable {
    PauliSum sum;
    std::uint32_t qubits = 0;
};
expected<Observable> read_observable(const Json& list, std::string_view name);

namespace limits {
inline constexpr std::size_t vqe_layers = 64, vqe_iterations = 10'000, vqe_angles = 10'000;
}  // namespace limits

}  // namespace meridian::quantum::service
