#include "quantum/service/minimize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace meridian::quantum::service {
namespace {

using Numbers = std::vector<double>;

std::optional<Slope> valley(const Numbers& x) {  // Rosenbrock's
    const double a = 1 - x[0], b = x[1] - x[0] * x[0];
    return Slope{a * a + 100 * b * b, {-2 * a - 400 * x[0] * b, 200 * b}};
}

TEST(Minimize, FindsTheEndOfACurvedValley) {
    const auto found = minimize(valley, {-1.2, 1}, {.iterations = 200, .tolerance = 1e-8});
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->is_converged);
    EXPECT_NEAR(found->at[0], 1, 1e-6);
    EXPECT_NEAR(found->at[1], 1, 1e-6);
    EXPECT_LT(found->history.size(), 100u);
    for (std::size_t k = 1; k < found->history.size(); ++k) EXPECT_LT(found->history[k], found->history[k - 1]);
}

TEST(Minimize, StopsWhereItMay) {
    const auto flat = minimize([](const Numbers&) { return Slope{3, {0, 0}}; }, {1, 2}, {});
    EXPECT_TRUE(flat->is_converged);
    EXPECT_EQ(flat->evaluations, 1u);
    const auto brief = minimize(valley, {-1.2, 1}, {.iterations = 2});
    EXPECT_FALSE(brief->is_converged);
    EXPECT_EQ(brief->history.size(), 3u);
    const auto none = minimize([](const Numbers&) { return Slope{7, {}}; }, {}, {});
    EXPECT_TRUE(none->is_converged);
    // A gradient that lies promises a way down that is not there.
    const auto lied_to = minimize([](const Numbers& x) { return Slope{x[0] * x[0], {-1}}; }, {0}, {});
    EXPECT_FALSE(lied_to->is_converged);
    EXPECT_EQ(lied_to->at[0], 0);
}

TEST(Minimize, NeverAsksMoreOftenThanItSays) {
    for (const std::size_t iterations : {1u, 7u, 50u}) {
        std::size_t asked = 0;
        // It is lower only every tenth time that it is asked.
        const auto slow = [&](const Numbers&) -> std::optional<Slope> {
            const bool is_lower = asked++ % 10 == 0;
            return Slope{is_lower ? -static_cast<double>(asked) : 1e6, {1}};
        };
        const auto found = minimize(slow, {0}, {.iterations = iterations});
        ASSERT_TRUE(found);
        EXPECT_FALSE(found->is_converged);
        EXPECT_EQ(found->evaluations, asked);
        EXPECT_EQ(asked, std::min(1 + 10 * iterations, evaluations_max(iterations)));
        EXPECT_LT(found->value, 0);
    }
}

TEST(Minimize, EndsWhenItIsAskedTo) {
    int left = 5;
    const auto asked = minimize([&](const Numbers& x) { return left-- > 0 ? valley(x) : std::nullopt; }, {-1.2, 1}, {});
    EXPECT_FALSE(asked);
}

}  // namespace
}  // namespace meridian::quantum::service
