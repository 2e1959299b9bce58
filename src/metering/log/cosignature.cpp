#include "metering/log/cosignature.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace meridian::metering {
namespace {

constexpr std::size_t time_bytes = 8;

std::string message(std::string_view text, std::uint64_t seconds) { return fmt::format("cosignature/v1\ntime {}\n{}", seconds, text); }

}  // namespace

std::string cosignature(std::string_view note, const VerifierKey& witness, const keys::SigningKey& key, Timestamp at) {
    MERIDIAN_ASSERT(witness.kind == KeyKind::witness && witness.key == key.public_key());
    const auto parts = split_note(note);
    MERIDIAN_ASSERT(parts.has_value());
    const auto since = std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count();
    const auto seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(since, 1));  // nought would say that there is no time
    std::string bytes;
    for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(seconds >> shift);
    const auto signature = key.sign(message(parts->text, seconds));
    bytes.append(reinterpret_cast<const char*>(signature.data()), signature.size());
    return signature_line(witness, bytes);
}

expected<std::optional<Timestamp>> cosigned_at(std::string_view note, const VerifierKey& witness) {
    const auto parts = split_note(note);
    if (!parts) return std::unexpected(parts.error());
    std::optional<Timestamp> newest;
    for (const auto bytes : parts->by(witness)) {
        if (bytes.size() <= time_bytes) return complaint("a cosignature is too short");
        std::uint64_t seconds = 0;
        for (const char c : bytes.substr(0, time_bytes)) seconds = seconds << 8 | static_cast<std::uint8_t>(c);
        // Past this a time in microseconds is none.
        constexpr std::uint64_t seconds_max = 9'000'000'000'000;
        if (seconds == 0 || seconds > seconds_max) return complaint("a cosignature has no time");
        if (!keys::verify(witness.key, message(parts->text, seconds), bytes.substr(time_bytes)))
            return complaint(fmt::format("the cosignature of {} is wrong", witness.name));
        newest = std::max(newest, std::optional(Timestamp(std::chrono::seconds(seconds))));
    }
    return newest;
}

}  // namespace meridian::metering
