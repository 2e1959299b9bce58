// A receipt's or an event's file from anybody, and leaves from anybody in a file that is in form otherwise.
#include <string>

#include "base/hash.h"
#include "base/json.h"
#include "metering/service.h"

namespace {

using namespace meridian;

std::string file_of(std::string_view leaf, const Json& shown, const std::string& noun) {
    return to_text(JsonObject{{"type", "meridian-" + noun + "/v1"},
                              {noun, shown},
                              {"leaf", base64(leaf)},
                              {"index", 0},
                              {"tree_size", 1},
                              {"inclusion", JsonArray()},
                              {"checkpoint", ""},
                              {"verifier_key", "k+00000000+AQ=="}});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    (void)metering::Meter::verify_file(text, "");
    if (const auto json = parse_json(text))
        for (const auto* noun : {"receipt", "event"}) (void)metering::Meter::verify_file(file_of(text, *json, noun), "");
    return 0;
}
