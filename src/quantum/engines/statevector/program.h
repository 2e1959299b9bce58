// What kernels execute: segments with every address and coefficient worked out. Plain data, made by `assemble`, read by the kernels.
//
// Addresses count vectors of the instruction set that the program was made for, within a block buffer laid out as `State` is: with L
// lanes to a vector, wires below log2 L lie inside a vector, and one bit of the address tells real from imaginary parts.
#pragma once
#include <complex>
#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

#include "quantum/engines/statevector/items.h"

namespace meridian::quantum {

template <class T>
struct CacheAligned {
    using value_type = T;
    CacheAligned() = default;
    template <class U>
    explicit CacheAligned(const CacheAligned<U>&) {}
    T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t(64))); }
    void deallocate(T* p, std::size_t) { ::operator delete(p, std::align_val_t(64)); }
    bool operator==(const CacheAligned&) const = default;
};
template <class Real>
using Pool = std::vector<Real, CacheAligned<Real>>;

// Where the coefficients of one rotation lie, and which set of them applies.
struct Coefficients {
    std::uint32_t at = 0;      // in the pool: one set after the other
    std::uint32_t stride = 0;  // to the set for a control of 1, where the control lies in the address or outside the block
    std::uint64_t address = 0, outer = 0;
    bool by_register = false;  // one set for each pair of registers, as the control is among the targets of the bundle
};

// Up to three rotations on addressed wires, in registers at once, after any that lie inside the vectors.
struct Bundle {
    struct Inside {
        Coefficients coefficients;  // sets of two vectors: for the lane itself and for its partner
        std::uint8_t lane_bit = 0;
    };
    std::uint8_t count = 0;     // of addressed rotations
    std::uint8_t bits[3] = {};  // of the address; target k of the bundle
    Coefficients turns[3];      // sets of four vectors
    std::uint8_t inside_count = 0;
    Inside inside[4];
    // Rotations without controls go by their tangents, and the cosines are left to a later kernel: 0 becomes 0 + u 1 and 1 becomes 1 + v 0,
    // on values that change places before where the sine is the larger one, with signs after.
    bool by_tangent = false;
    std::uint8_t exchanged = 0;  // targets, by bit; sets are of two vectors then
    std::uint32_t signs = 0;     // vectors of zeros with the signs, one for each register
};

// A 4 x 4 complex matrix.
struct Dense {
    std::uint8_t inside = 0;         // how many of the two wires lie inside the vectors
    std::uint8_t bits[2] = {};       // address bits or lane bits of the two; the one inside first where they differ
    bool has_real_elements = false;  // the first of each of the first three rows
    std::uint32_t at = 0;            // 16 complex scalars; or per output and input, one complex vector
};

// An interaction of two addressed wires; those with a wire inside the vectors are run as matrices.
struct Interacting {
    std::uint8_t bits[2] = {};  // of the address
    bool is_real[2] = {}, is_exchanged[2] = {};
    std::uint32_t at = 0;  // scalars: two turns, two phases, what mixes each plane, four complex factors
};

// A 2 x 2 complex matrix, or a phase, on the addresses that have `value` under `mask`, in blocks that have `outer_value` under
// `outer_mask`.
struct Conditional {
    enum class Kind : std::uint8_t { addressed, inside, phase } kind = Kind::phase;
    std::uint8_t bit = 0;  // of the target
    std::uint64_t mask = 0, value = 0, outer_mask = 0, outer_value = 0;
    std::uint32_t at = 0;  // complex vectors: four, two or one
};

struct Large {
    std::vector<std::uint8_t> positions;  // in the block, of the matrix's wires
    std::uint64_t mask = 0, value = 0, outer_mask = 0, outer_value = 0;
    std::uint32_t at = 0;  // complex scalars, row-major
};

// A phase polynomial. A leaf is the run of amplitudes of the lowest `leaf_bits` positions; the bits above are walked as a tree.
struct Phases {
    using Factor = std::complex<double>;
    struct Cross {
        std::uint8_t position;
        Factor factor;
    };
    struct Branch {
        std::uint8_t position = 0;
        Factor factor{1};
        std::vector<Cross> cross;  // with branches after this one, and with the leaf
        bool meets_leaf = false;
    };
    struct Outer {
        std::uint64_t mask = 0;  // wires outside the block
        Factor factor;
        std::uint8_t position = no_wire;  // the position of the block that the term is linear in, or none
    };
    unsigned leaf_bits = 0;
    Factor constant{1};
    std::vector<Outer> outer;
    std::vector<Branch> branches;  // outermost first
    bool has_table = false;        // else every term within the leaf is 0
    std::uint32_t table = 0;       // in the pool, laid out as amplitudes are
};

struct Kernel {
    enum class Kind : std::uint8_t { bundle, dense, interaction, conditional, large, phases } kind;
    std::uint32_t index;
};

// What a kernel that has factors of its own is still to multiply everything by.
struct Pending {
    double phase = 0, scale = 1;
};

struct Program {
    std::uint64_t wires = 0;  // of the block
    unsigned bits = 0;        // amplitudes in a block, log2; at least one vector group
    std::vector<Kernel> order;
    std::vector<Bundle> bundles;
    std::vector<Dense> denses;
    std::vector<Interacting> interactions;
    std::vector<Conditional> conditionals;
    std::vector<Large> larges;
    std::vector<Phases> phases;
};

}  // namespace meridian::quantum
