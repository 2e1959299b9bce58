#include "http/parse.h"

using meridian::http::RequestParser;
using meridian::http::ResponseParser;

namespace {

// The first byte decides how the rest is cut into pieces.
template <class Parser>
void feed_all(Parser& parser, std::string_view bytes, std::size_t step) {
    while (!parser.done() && !bytes.empty()) {
        const auto used = parser.feed(bytes.substr(0, step));
        if (!used) return;
        bytes.remove_prefix(*used);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::size_t step = data[0] % 64 + 1U;
    RequestParser request;
    feed_all(request, bytes, step);
    ResponseParser response;
    feed_all(response, bytes, step);
    if (response.trouble() == meridian::http::ParseTrouble::none) (void)response.finish_at_eof();
    return 0;
}
