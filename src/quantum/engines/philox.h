// Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw (SC 2011): a random number is a function of its address.
//
// An engine addresses each number by (seed, shot, draw), so that results depend neither on threads nor on the order of the work.
#pragma once
#include <array>
#include <cstdint>

namespace meridian::quantum {

constexpr std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0], b = std::uint64_t{0xCD9E8D57} * counter[2];
        counter = {std::uint32_t(b >> 32) ^ counter[1] ^ key[0], std::uint32_t(b), std::uint32_t(a >> 32) ^ counter[3] ^ key[1],
                   std::uint32_t(a)};
        key[0] += 0x9E3779B9;
        key[1] += 0xBB67AE85;
    }
    return counter;
}

// 64 random bits.
constexpr std::uint64_t random_bits(std::uint64_t seed, std::uint64_t shot, std::uint64_t draw) {
    const auto out = philox({std::uint32_t(draw), std::uint32_t(draw >> 32), std::uint32_t(shot), std::uint32_t(shot >> 32)},
                            {std::uint32_t(seed), std::uint32_t(seed >> 32)});
    return out[0] | std::uint64_t{out[1]} << 32;
}

// In [0, 1), a multiple of 2^-53.
constexpr double uniform(std::uint64_t seed, std::uint64_t shot, std::uint64_t draw) {
    return double(random_bits(seed, shot, draw) >> 11) * 0x1p-53;
}

}  // namespace meridian::quantum
