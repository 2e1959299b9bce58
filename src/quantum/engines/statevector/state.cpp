#include "quantum/engines/statevector/state.h"

#include <algorithm>
#include <cstdint>
#include <new>
#include <numeric>

#include <sys/mman.h>

#include "base/error.h"

namespace meridian::quantum {
namespace {

constexpr std::size_t page = 4096, huge_page = std::size_t{2} << 20;
constexpr std::size_t bytes_of_one_thread = std::size_t{256} << 10;  // zeroed sooner than a thread wakes

// Zeros from the kernel, in huge pages, which all members bring in: nobody has to write them again, and each has its share nearby.
void* mapped(std::size_t bytes, Team& team) {
    const std::size_t whole = bytes + huge_page;
    void* const raw = ::mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED) throw std::bad_alloc();
    char* const begin = static_cast<char*>(raw);
    const std::size_t before = (huge_page - reinterpret_cast<std::uintptr_t>(raw) % huge_page) % huge_page;
    if (before != 0) ::munmap(begin, before);
    ::munmap(begin + before + bytes, huge_page - before);
    ::madvise(begin + before, bytes, MADV_HUGEPAGE);
    team.run([&](unsigned member) {
        const auto [first, last] = team.share(bytes / huge_page, member);
        char *own = begin + before + first * huge_page, *const end = begin + before + last * huge_page;
        if (own == end || ::madvise(own, std::size_t(end - own), MADV_POPULATE_WRITE) == 0) return;
        for (; own != end; own += page) *static_cast<volatile char*>(own) = 0;  // before Linux 5.14
    });
    return begin + before;
}

}  // namespace

template <class Real>
State<Real>::State(unsigned qubits, Team& team) : position(qubits), qubits_(qubits) {
    MERIDIAN_ASSERT(qubits < 48);
    const std::size_t bytes = blocks() * 2 * lanes * sizeof(Real);
    if (bytes >= bytes_mapped_least) {
        data_ = std::unique_ptr<Real[], Release>(static_cast<Real*>(mapped(bytes, team)), Release{.mapped = bytes});
        std::iota(position.begin(), position.end(), std::uint8_t{0});
        block(0)[0] = 1;
        return;
    }
    const std::size_t alignment = bytes >= huge_page ? huge_page : page;
    const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    void* raw = ::operator new(rounded, std::align_val_t(alignment), std::nothrow);
    if (raw == nullptr) throw std::bad_alloc();
    if (bytes >= huge_page) ::madvise(raw, rounded, MADV_HUGEPAGE);
    data_ = std::unique_ptr<Real[], Release>(static_cast<Real*>(raw), Release{.alignment = alignment});
    reset(team);
}

template <class Real>
void State<Real>::reset(Team& team) {
    std::iota(position.begin(), position.end(), std::uint8_t{0});
    if (size() * bytes_per_amplitude <= bytes_of_one_thread) {
        std::fill(block(0), block(blocks()), Real(0));
    } else {
        team.run([&](unsigned member) {
            const auto [begin, end] = team.share(blocks(), member);
            std::fill(block(begin), block(end), Real(0));
        });
    }
    block(0)[0] = 1;
}

template <class Real>
std::size_t State<Real>::index_of(std::size_t basis) const {
    std::size_t index = 0;
    for (unsigned q = 0; q < qubits_; ++q) index |= (basis >> q & 1) << position[q];
    return index;
}

template <class Real>
void State<Real>::Release::operator()(Real* data) const {
    if (mapped != 0)
        ::munmap(data, mapped);
    else
        ::operator delete(data, std::align_val_t(alignment));
}

template class State<double>;
template class State<float>;

}  // namespace meridian::quantum
