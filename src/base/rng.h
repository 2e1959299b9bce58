// Randomness that is given: from the kernel in production, from a logged seed in tests.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace meridian {

class Rng {
public:
    virtual ~Rng() = default;
    virtual void fill(std::span<std::byte> out) = 0;

    std::uint64_t next();
    // Uniform in [0, bound); `bound` must not be 0.
    std::uint64_t below(std::uint64_t bound);
};

// The kernel's generator; safe from any thread.
class SystemRng final : public Rng {
public:
    void fill(std::span<std::byte> out) override;
};

// Repeats itself for one seed. For tests and simulations, never for secrets. Not thread-safe.
class SeededRng final : public Rng {
public:
    explicit SeededRng(std::uint64_t seed);
    void fill(std::span<std::byte> out) override;

private:
    std::uint64_t step();
    std::uint64_t state_[4];
};

}  // namespace meridian
