// What is opened comes from rows and backups: any bytes end in a diagnostic.
#include "keys/keys.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto key = meridian::keys::SealingKey::from_bytes(std::string(32, 'k')).value();
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)key.open(text.substr(size / 4), text.substr(0, size / 4));
    return 0;
}
