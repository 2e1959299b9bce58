// Commitments to what went into a run and came out: HMAC-SHA256 under a random key of the run alone. Who has the content and the key
// can show that they belong to a receipt; who has the receipt alone cannot guess even a short prompt. The key is kept where the content
// is, and is worthless without it: erasing the key ends what a receipt can prove or betray of its content.
#pragma once
#include <array>
#include <string>
#include <string_view>

#include "base/hmac.h"
#include "base/rng.h"

namespace meridian::metering {

class CommitmentKey {
public:
    static CommitmentKey make(Rng& rng);
    [[nodiscard]] std::string text() const;  // base64 of 32 bytes
    [[nodiscard]] std::string_view bytes() const { return {key_.data(), key_.size()}; }

private:
    std::array<char, 32> key_{};
};

// The code of "meridian/input/v1" or "meridian/output/v1", a zero byte, and the bytes.
class Commitment {
public:
    static Commitment to_input(const CommitmentKey& key) { return Commitment(key, "meridian/input/v1"); }
    static Commitment to_output(const CommitmentKey& key) { return Commitment(key, "meridian/output/v1"); }
    Commitment& add(std::string_view bytes) {
        code_.add(bytes);
        return *this;
    }
    Sha256 finish() { return code_.finish(); }  // once

private:
    Commitment(const CommitmentKey& key, std::string_view label);
    HmacStream code_;
};

}  // namespace meridian::metering
