// An outcome the caller will act on: a value, or a diagnostic that names the place of the trouble.
#pragma once
#include <cstddef>
#include <expected>
#include <string>

namespace meridian {

struct Diagnostic {
    std::string said;
    std::size_t at = 0;  // byte offset into the text that was read, where there is one
    bool operator==(const Diagnostic&) const = default;
};

template <class T, class E = Diagnostic>
using expected = std::expected<T, E>;
template <class E>
using unexpected = std::unexpected<E>;
inline std::unexpected<Diagnostic> complaint(std::string said, std::size_t at = 0) {
    return std::unexpected(Diagnostic{std::move(said), at});
}

}  // namespace meridian
