// Ciphertexts come back from outside: any bytes are no envelope, or one that is written as it was read.
#include "secrets/envelope.h"

#include <cstdint>

#include "base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace meridian::secrets;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto read = read_envelope(text)) MERIDIAN_ASSERT(envelope_of(read->rotation, read->sealed) == text);
    return 0;
}
