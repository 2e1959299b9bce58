#include "inference/relay.h"

#include <cstdint>
#include <cstdlib>

namespace {

using namespace meridian::inference;

struct Told {
    std::string out, last_words;
    std::int64_t tokens = 0;
    bool finished = false, failed = false;
    bool operator==(const Told&) const = default;
};

Told relayed(const Asked& asked, std::string_view stream, std::size_t cut) {
    StreamRelay relay(asked, "inner", "chatcmpl-1");
    Told told;
    if (!relay.feed(stream.substr(0, cut), told.out) || !relay.feed(stream.substr(cut), told.out)) return told;
    told.last_words = relay.last_words({});
    told.tokens = relay.usage().output_tokens;
    told.finished = relay.finished();
    told.failed = relay.failure().has_value();
    return told;
}

}  // namespace

// Wherever the stream is split, the caller sees the same; a backend's answer of any bytes harms nobody.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
    Asked asked;
    asked.model = "mine";
    asked.stream = true;
    asked.include_usage = (data[0] & 1U) != 0;
    const std::size_t cut = bytes.empty() ? 0 : (data[0] * 256U + data[1]) % bytes.size();
    if (relayed(asked, bytes, cut) != relayed(asked, bytes, bytes.size())) std::abort();
    (void)error_from(100 + data[1] * 2, bytes);
    (void)whole_answer(asked, "id", bytes);
    return 0;
}
