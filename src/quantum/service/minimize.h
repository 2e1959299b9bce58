// The minimum of a smooth function of many numbers, from its values and gradients: L-BFGS with a backtracking line search. Pure.
#pragma once
#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

namespace meridian::quantum::service {

struct Slope {
    double value = 0;
    std::vector<double> by;  // the derivative by each number
};
inline constexpr std::size_t longest_search = 40;  // halvings of a step
// What a run of so many iterations may ask: as a rule it asks once or twice an iteration. Who runs out ends where he is.
constexpr std::size_t evaluations_max(std::size_t iterations) { return 1 + 2 * iterations + longest_search; }

struct MinimizeOptions {
    std::size_t iterations = 200;
    double tolerance = 1e-6;  // of the greatest derivative
};
struct Minimum {
    std::vector<double> at;
    double value = 0;
    std::vector<double> history;  // the value after each iteration; the first is that of the start
    std::size_t evaluations = 0;
    bool is_converged = false;
};
// Never asks more often than `evaluations_max`. Nothing when `slope` gives nothing: whoever asked wants it to end.
std::optional<Minimum> minimize(const std::function<std::optional<Slope>(const std::vector<double>&)>& slope, std::vector<double> start,
                                const MinimizeOptions& options);

}  // namespace meridian::quantum::service
