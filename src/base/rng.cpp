#include "base/rng.h"

#include <sys/random.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/error.h"

namespace meridian {

std::uint64_t Rng::next() {
    std::uint64_t value;
    fill(std::as_writable_bytes(std::span(&value, 1)));
    return value;
}

std::uint64_t Rng::below(std::uint64_t bound) {
    MERIDIAN_ASSERT(bound > 0);
    // The lowest 2^64 mod bound values would make small results likelier; they are drawn again.
    const std::uint64_t uneven = (0 - bound) % bound;
    for (;;)
        if (const std::uint64_t value = next(); value >= uneven) return value % bound;
}

namespace {

void fill_from_kernel(std::span<std::byte> out) {
    while (!out.empty()) {
        const auto got = ::getrandom(out.data(), out.size(), 0);
        if (got < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "getrandom");
        if (got > 0) out = out.subspan(static_cast<std::size_t>(got));
    }
}

// Of the size of an id. What is larger, such as a key, goes to the kernel by itself.
constexpr std::size_t small = 16;

// One call into the kernel for many ids. A thread's own; what was given out is wiped.
struct Portion {
    std::array<std::byte, small * 32> bytes;
    std::size_t used = sizeof bytes;

    void take(std::span<std::byte> out) {
        if (bytes.size() - used < out.size()) {
            fill_from_kernel(bytes);
            used = 0;
        }
        std::memcpy(out.data(), bytes.data() + used, out.size());
        std::memset(bytes.data() + used, 0, out.size());
        used += out.size();
    }
};

}  // namespace

void SystemRng::fill(std::span<std::byte> out) {
    thread_local Portion portion;
    if (out.size() > small) return fill_from_kernel(out);
    portion.take(out);
}

// xoshiro256** (Blackman and Vigna, 2018), its state filled by splitmix64 so that near seeds give far sequences.
SeededRng::SeededRng(std::uint64_t seed) {
    for (auto& word : state_) {
        seed += 0x9E3779B97F4A7C15ull;
        std::uint64_t z = seed;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
        word = z ^ (z >> 31);
    }
}

std::uint64_t SeededRng::step() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
}

void SeededRng::fill(std::span<std::byte> out) {
    while (!out.empty()) {
        const std::uint64_t word = step();
        const auto count = out.size() < sizeof word ? out.size() : sizeof word;
        std::memcpy(out.data(), &word, count);
        out = out.subspan(count);
    }
}

}  // namespace meridian
