// Requests that a client sends again because it did not hear the answer: what they ask for is done once, and answered as the first time.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "http/route.h"

namespace meridian::http {

inline constexpr std::string_view idempotency_key = "Idempotency-Key";
inline constexpr std::size_t idempotency_key_max = 255;

// An authorizer that is one of these too is asked by its router about every POST of the control plane with that header.
class Repeats {
public:
    // What it is called by: whose it is, the client's word for it, and a digest of all that it asks for.
    struct Asked {
        std::shared_ptr<const Principal> caller;
        std::string key;
        Sha256 request{};
    };
    enum class Outcome { answered, refused, unknown };

    virtual ~Repeats() = default;
    // Whether answers to what asks for this right are kept at all.
    [[nodiscard]] virtual bool keeps(const Permission&) const { return true; }
    // The first answer; nothing where this is the first, and then `end` follows. Error{invalid} where the key is another request's,
    // Error{conflict} while the first is being done, Error{precondition} where nobody knows what came of it.
    virtual Task<std::optional<Response>> begin(Asked asked) = 0;
    // What was refused may be asked again. What came to nobody knows what may not.
    virtual Task<> end(Asked asked, Outcome outcome, Response answer) = 0;
};

// Whether the request says that it may be one that is sent again.
bool may_repeat(const Exchange& exchange, const Request& request, const Route& route);
// The route's handler, unless an earlier answer serves.
Task<> run_once(Repeats& repeats, Exchange& exchange, const Route& route);

}  // namespace meridian::http
