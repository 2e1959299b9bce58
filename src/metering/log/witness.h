// An independent witness of logs: it signs a checkpoint only when that continues what it has signed of the log before. C2SP's
// tlog-witness, with Ed25519 cosignatures.
//
// What it has signed is a file a log, written durably before the signature is given away: a power cut never makes it sign two
// histories. The answers are HTTP's, so that what a log sees of them can be tested without sockets.
#pragma once
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/disk.h"
#include "base/time.h"
#include "metering/log/cosignature.h"
#include "metering/tree.h"

namespace meridian::metering {

// The body of add-checkpoint: the size that the proof begins at, the proof, and the checkpoint's note.
struct WitnessRequest {
    std::uint64_t old_size = 0;
    Proof proof;
    std::string note;
    [[nodiscard]] std::string str() const;
    static expected<WitnessRequest> parse(std::string_view body);
};

class Witness {
public:
    // `directory` holds what was signed; another process there is refused. `logs`: one key of each. The diagnostic is a sentence.
    static expected<std::unique_ptr<Witness>> open(Disk& disk, Clock& clock, std::string name, keys::SigningKey key,
                                                   std::vector<VerifierKey> logs, std::string directory);

    struct Answer {
        int status = 200;
        std::string body;
        std::string type = "text/plain; charset=utf-8";
    };
    // Blocking, one after the other.
    Answer add_checkpoint(std::string_view body);
    // The newest note of the log, with the log's signature and ours; `origin_hash` is the SHA-256 of its origin in hex.
    Answer checkpoint(std::string_view origin_hash);
    [[nodiscard]] const VerifierKey& verifier() const { return verifier_; }
    [[nodiscard]] std::size_t logs() const { return logs_.size(); }

private:
    struct Log {
        VerifierKey key;
        std::string file;                       // hex of the origin's SHA-256
        std::optional<Checkpoint> newest = {};  // that was signed
        std::string note = {};
    };
    Witness(Disk& disk, Clock& clock, VerifierKey verifier, keys::SigningKey key, std::string directory);
    expected<void> read(Log& log);
    Answer judge(Log& log, const WitnessRequest& request);
    Answer sign(Log& log, const Checkpoint& checkpoint, const std::string& note);

    Disk& disk_;
    Clock& clock_;
    VerifierKey verifier_;
    keys::SigningKey key_;
    std::string directory_;
    std::unique_ptr<DirectoryLock> lock_;
    std::mutex mutex_;
    std::vector<Log> logs_;
};

}  // namespace meridian::metering
