// What the OpenAI dialect may ask of a model: checked, then rewritten for the runtime. Only known fields are passed on, so that
// no caller reaches a runtime's private switches.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/expected.h"
#include "base/json.h"
#include "inference/types.h"

namespace meridian::inference {

enum class Operation { chat, completion, embedding };

struct Asked {
    Operation operation = Operation::chat;
    std::string model;
    bool stream = false;
    bool include_usage = false;      // the caller asked for usage in its stream
    bool base64_embeddings = false;  // the runtime gives floats, we encode
    bool wants_tools = false;
    std::optional<std::int64_t> output_max =
        std::nullopt;  // tokens of one choice: of two limits the larger, for a runtime may go by either
    std::int64_t choices = 1;
    std::optional<std::int64_t> output_limit = std::nullopt;  // ours, in the place of the caller's: so far the money reaches
    JsonObject body;                                          // as the caller sent it
    std::size_t text_bytes = 0;                               // as long as that was
};

// Throws Error{invalid} with an OpenAI code and the field's name for anything a client may get wrong.
Asked read_request(Operation operation, std::string_view body);
// Throws Error{invalid} when `served` cannot do what is asked (tools without a template for them, chat on an embedding model).
void check_against(const Asked& asked, const Served& served);
// The body for one backend: its own model name, usage always on in streams, a named tool turned into that one tool + required.
std::string body_for(const Asked& asked, const Backend& backend);

}  // namespace meridian::inference
