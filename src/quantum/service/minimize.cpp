// Nocedal and Wright, Numerical Optimization, 2nd edition, algorithms 7.4 (two loops) and 3.1 (backtracking).
#include "quantum/service/minimize.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <numeric>
#include <ranges>

namespace meridian::quantum::service {
namespace {

using Numbers = std::vector<double>;

constexpr std::size_t remembered = 10;     // steps that tell of the curvature
constexpr double enough = 1e-4;            // of the decrease that the slope promises
constexpr double shortest = 1e-12;         // step; below it the function is flat as far as doubles tell
constexpr double least_curvature = 1e-12;  // of a step that is remembered, by the square of its length

double dot(const Numbers& a, const Numbers& b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }

struct Step {
    Numbers moved, turned;  // of the numbers, of the gradient
    double inverse;         // 1 / (moved * turned)
};

Numbers direction(const Numbers& gradient, const std::deque<Step>& steps) {
    Numbers way = gradient;
    const auto add = [&](const Numbers& of, double factor) {
        for (std::size_t k = 0; k < way.size(); ++k) way[k] += factor * of[k];
    };
    std::vector<double> shares(steps.size());
    for (std::size_t k = steps.size(); k-- > 0;) {
        shares[k] = steps[k].inverse * dot(steps[k].moved, way);
        add(steps[k].turned, -shares[k]);
    }
    const double scale = steps.empty() ? 1 : 1 / (steps.back().inverse * dot(steps.back().turned, steps.back().turned));
    for (double& each : way) each *= scale;
    for (std::size_t k = 0; k < steps.size(); ++k) add(steps[k].moved, shares[k] - steps[k].inverse * dot(steps[k].turned, way));
    for (double& each : way) each = -each;
    return way;
}

double greatest(const Numbers& numbers) {
    double most = 0;
    for (const double each : numbers) most = std::max(most, std::abs(each));
    return most;
}

}  // namespace

std::optional<Minimum> minimize(const std::function<std::optional<Slope>(const std::vector<double>&)>& slope, std::vector<double> start,
                                const MinimizeOptions& options) {
    auto here = slope(start);
    if (!here) return std::nullopt;
    Minimum found{.at = std::move(start), .value = here->value, .history = {here->value}, .evaluations = 1};
    std::deque<Step> steps;
    for (std::size_t iteration = 0; iteration < options.iterations; ++iteration) {
        if (greatest(here->by) <= options.tolerance) {
            found.is_converged = true;
            return found;
        }
        auto way = direction(here->by, steps);
        double promised = dot(way, here->by);
        if (!(promised < 0)) {  // what is remembered misleads
            steps.clear();
            way = direction(here->by, steps);
            promised = dot(way, here->by);
        }
        double length = steps.empty() ? std::min(1.0, 1 / greatest(here->by)) : 1;
        std::optional<Slope> there;
        Numbers at(found.at.size());
        for (std::size_t halvings = 0; halvings < longest_search; ++halvings, length /= 2) {
            if (found.evaluations == evaluations_max(options.iterations)) return found;
            for (std::size_t k = 0; k < at.size(); ++k) at[k] = found.at[k] + length * way[k];
            there = slope(at);
            if (!there) return std::nullopt;
            ++found.evaluations;
            if (there->value <= here->value + enough * length * promised) break;
        }
        if (!(there->value < here->value) || length * greatest(way) < shortest) return found;
        Step step{.moved = at, .turned = there->by, .inverse = 0};
        for (std::size_t k = 0; k < at.size(); ++k) {
            step.moved[k] -= found.at[k];
            step.turned[k] -= here->by[k];
        }
        const double curvature = dot(step.moved, step.turned);
        step.inverse = 1 / curvature;
        if (curvature > least_curvature * dot(step.moved, step.moved)) steps.push_back(std::move(step));
        if (steps.size() > remembered) steps.pop_front();
        found.at = std::move(at);
        found.value = there->value;
        found.history.push_back(there->value);
        here = std::move(there);
    }
    found.is_converged = greatest(here->by) <= options.tolerance;
    return found;
}

}  // namespace meridian::quantum::service
