#include "quantum/engines/statevector/state.h"

#include <algorithm>
#include <new>
#include <numeric>

#include <sys/mman.h>

#include "base/error.h"

namespace meridian::quantum {
namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;
constexpr std::size_t bytes_of_one_thread = std::size_t{256} << 10;  // zeroed sooner than a thread wakes

}  // namespace

template <class Real>
State<Real>::State(unsigned qubits, Team& team) : position(qubits), qubits_(qubits) {
    MERIDIAN_ASSERT(qubits < 48);
    const std::size_t bytes = blocks() * 2 * lanes * sizeof(Real);
    const std::size_t alignment = bytes >= huge_page ? huge_page : 4096;
    const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    void* raw = ::operator new(rounded, std::align_val_t(alignment), std::nothrow);
    if (raw == nullptr) throw std::bad_alloc();
    if (bytes >= huge_page) ::madvise(raw, rounded, MADV_HUGEPAGE);
    data_ = std::unique_ptr<Real[], Release>(static_cast<Real*>(raw), Release{alignment});
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
    ::operator delete(data, std::align_val_t(alignment));
}

template class State<double>;
template class State<float>;

}  // namespace meridian::quantum
