#include "quantum/programs/compress.h"

#include <zlib.h>

#include <algorithm>

#include "base/error.h"

namespace meridian::quantum {
namespace {

// The state that zlib keeps, freed on every way out.
struct Inflation {
    z_stream stream{};
    bool is_open = inflateInit(&stream) == Z_OK;
    ~Inflation() {
        if (is_open) inflateEnd(&stream);
    }
};

constexpr std::size_t input_chunk = std::size_t{1} << 30;  // zlib counts input in 32 bits
constexpr std::size_t output_chunk_first = std::size_t{1} << 14;

}  // namespace

expected<std::string> unzip(std::string_view bytes, std::size_t bytes_max) {
    Inflation inflation;
    z_stream& stream = inflation.stream;
    MERIDIAN_ASSERT(inflation.is_open);
    std::string out;
    std::size_t used = 0;
    for (int state = Z_OK; state != Z_STREAM_END;) {
        if (stream.avail_in == 0) {
            const std::size_t part = std::min(bytes.size() - used, input_chunk);
            stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + used));
            stream.avail_in = static_cast<uInt>(part);
            used += part;
        }
        // One byte past the bound is room enough to notice that the bound is passed.
        const std::size_t had = out.size();
        const std::size_t room = std::min(std::max(output_chunk_first, had), bytes_max + 1 - had);
        out.resize_and_overwrite(had + room, [&](char* data, std::size_t) {
            stream.next_out = reinterpret_cast<Bytef*>(data + had);
            stream.avail_out = static_cast<uInt>(std::min(room, input_chunk));
            state = inflate(&stream, Z_NO_FLUSH);
            return static_cast<std::size_t>(reinterpret_cast<char*>(stream.next_out) - data);
        });
        if (out.size() > bytes_max) return complaint("the compressed data unpacks to more than the limit; send a smaller program");
        if (state == Z_BUF_ERROR && stream.avail_in == 0 && used == bytes.size())
            return complaint("the compressed data ends too early; send it whole");
        if (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR)
            return complaint("this is not zlib data; compress it as RFC 1950 says");
    }
    if (stream.avail_in != 0 || used != bytes.size()) return complaint("something follows the compressed data; send one zlib stream only");
    return out;
}

std::string zip(std::string_view bytes) {
    uLongf size = compressBound(static_cast<uLong>(bytes.size()));
    std::string out(size, '\0');
    const int state = compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
                               static_cast<uLong>(bytes.size()));
    MERIDIAN_ASSERT(state == Z_OK);
    out.resize(size);
    return out;
}

}  // namespace meridian::quantum
