#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "http/sse.h"

namespace {

struct Told {
    std::string raw, data, name;
    bool operator==(const Told&) const = default;
};

std::vector<Told> cut(std::string_view stream, std::size_t piece) {
    meridian::http::SseCutter cutter(1 << 20);
    meridian::http::SseCutter::Event event;
    std::vector<Told> out;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
        if (!cutter.feed(stream.substr(at, piece))) return out;
        while (cutter.next(event)) out.push_back({std::string(event.raw), std::string(event.data), std::string(event.name)});
    }
    return out;
}

}  // namespace

// However the stream is cut, the events are the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (size < 1) return 0;
    const std::string_view stream(reinterpret_cast<const char*>(bytes + 1), size - 1);
    if (cut(stream, 1 + bytes[0] % 32) != cut(stream, stream.size() + 1)) std::abort();
    return 0;
}
