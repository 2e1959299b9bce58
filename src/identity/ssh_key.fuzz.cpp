// Any text: read, or told that it is no key.
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "identity/ssh_key.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto key = meridian::identity::read_ssh_public_key({reinterpret_cast<const char*>(data), size});
    MERIDIAN_ASSERT(!key || key->fingerprint.size() == 50);  // "SHA256:" and 43 characters
    return 0;
}
