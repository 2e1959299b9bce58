// Answers on their way from a backend to the caller: whole ones and streams, with the backend's private parts removed and its
// usage read.
#pragma once
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/expected.h"
#include "http/sse.h"
#include "inference/chat_request.h"
#include "metering/service.h"

namespace meridian::inference {

// The usage member of an answer or chunk; nothing when there is none.
std::optional<metering::Usage> usage_of(const Json& answer);

// A backend's error answer in our words and codes: overlong prompts, bad schemas, overload, loading. Never its raw text for 5xx.
Error error_from(int status, std::string_view body);

struct WholeAnswer {
    std::string body;
    metering::Usage usage;
};
// The caller's form of a 200 answer: our id (embeddings have none), the model name that was asked for, no timings; floats to base64 where
// wanted.
expected<WholeAnswer> whole_answer(const Asked& asked, std::string_view answer_id, std::string_view body);

// The id of an answer, and of each chunk of it: "chatcmpl-" or "cmpl-" and the run's. Empty for embeddings, which have none.
std::string answer_id(Operation operation, const RunId& run);

// Works on one stream of chunks: `feed` gives the bytes to pass on, in order; usage is collected on the way.
class StreamRelay {
public:
    StreamRelay(const Asked& asked, std::string_view backend_model, std::string answer_id);
    // False when the stream is broken beyond repair (an endless event).
    [[nodiscard]] bool feed(std::string_view piece, std::string& out);
    // So many tokens may be passed on; what comes after them waits inside until more are allowed and something, or nothing, is fed.
    void allow(std::int64_t output_tokens) { allowed_ = output_tokens; }
    [[nodiscard]] bool is_held() const { return !finished_ && !usage_known_ && usage_.output_tokens >= allowed_; }
    [[nodiscard]] bool finished() const { return finished_; }  // [DONE] was seen; it is not part of `out`
    [[nodiscard]] const metering::Usage& usage() const { return usage_; }
    [[nodiscard]] bool anything_sent() const { return sent_; }
    [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }  // the backend reported an error mid-stream
    // What is sent after the receipt is written and before [DONE]: the usage chunk for the caller who asked (of what the receipt says,
    // where the backend gave none) and, as a member of it or as a comment, the receipt.
    [[nodiscard]] std::string last_words(const metering::Receipt& receipt) const;
    // The chunk that ends an answer before the model did: finish_reason "length", and why.
    [[nodiscard]] std::string cut_short(const Error& why) const;

private:
    void event(const http::SseCutter::Event& event, std::string& out);
    void rewrite(std::string_view data, std::string& out);
    void read_progress(const Json& progress);
    [[nodiscard]] JsonObject own_chunk(JsonArray choices) const;
    bool splice(std::string_view raw, std::string& out) const;

    // A member as the backend writes it and as the caller gets it, as raw JSON text.
    struct Renamed {
        std::string from, to;
    };

    const Asked& asked_;
    std::string answer_id_;
    Renamed model_, id_;  // id_.from is learnt from the first chunk
    http::SseCutter cutter_;
    metering::Usage usage_;
    std::optional<JsonObject> usage_chunk_;
    std::optional<Error> failure_;
    std::int64_t created_ = 0, allowed_ = std::numeric_limits<std::int64_t>::max();
    bool finished_ = false, sent_ = false, usage_known_ = false;
};

// The event that tells an OpenAI client of an error after the 200.
std::string error_event(const Error& error, std::string_view request_id);

}  // namespace meridian::inference
