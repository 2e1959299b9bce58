// Reads a whole ledger back and judges it: the same code for a start, for `meridian verify` and for the fuzzer.
//
// Two kinds of trouble look alike: what a power cut leaves of writes that were not synced (any of their sectors may be missing,
// also in front of ones that are there), and damage to what had been acknowledged. They are told apart by what is known to have
// been durable: each checkpoint record says so for everything before the sync that preceded it, and the file `checkpoint` is
// written only after the sync of what it covers. Trouble before that point is refused; after it, the tail is cut.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/async.h"
#include "base/disk.h"
#include "metering/book.h"
#include "metering/log/succession.h"
#include "metering/note.h"
#include "metering/record.h"
#include "metering/tree.h"

namespace meridian::metering {

// The sum of the records so far. `take` refuses what no Meridian writes; the diagnostic is half a sentence.
struct History {
    enum class Check { roots, roots_and_signatures };
    std::vector<VerifierKey> keys;  // of the log, the first one first
    Check check = Check::roots;     // the newest signature is checked in either case, by whoever replays

    Book book;
    Tree tree;
    // Each change of the key, with its leaf. While `is_changing`, one was begun that `keys` does not know of.
    struct Changed {
        Succession what;
        std::string leaf;
    };
    std::vector<Changed> changes;
    bool is_changing = false;
    std::unordered_map<RunId, Opening> open;  // opened, not settled
    std::uint64_t next_sequence = 1;
    std::uint64_t durable_through = 0;  // the newest claim of a checkpoint record
    std::uint64_t checkpoints = 0;
    std::string note;               // newest; empty: none
    std::uint64_t signed_size = 0;  // leaves under it
    Timestamp last_time{};          // newest time in any record

    // What of a receipt needs no history.
    struct Leaf {
        expected<LeafFacts> facts;
        Sha256 hash;
    };
    static Leaf look(const Record& receipt);
    expected<void> take(const Record& record, std::uint32_t segment, const Leaf* seen = nullptr);

private:
    expected<void> take_opening(const Record& record);
    expected<void> take_receipt(const Record& record, std::uint32_t segment, const Leaf& leaf);
    expected<void> take_checkpoint(const Record& record);
    expected<void> take_succession(const Record& record, std::uint32_t segment);
    [[nodiscard]] const VerifierKey* signer(const Checkpoint& checkpoint) const;
    expected<void> take_event(const Record& record, std::uint32_t segment);
};

struct SegmentFile {
    std::uint64_t first_sequence = 0;
    std::string name;
};
std::string segment_name(std::uint64_t first_sequence);
expected<std::vector<SegmentFile>> segments_in(Disk& disk, const std::string& directory);

// Where the records end, and what lies there that has to go.
struct Ending {
    std::vector<SegmentFile> segments;  // all that are there
    std::size_t kept = 0;               // how many of them have records that count; the end is in the last of these
    std::uint64_t at = 0;               // the end, in that segment
    std::uint64_t blank_until = 0;      // zero bytes reach to here
    bool has_tail = false;              // torn records behind the end, perhaps whole segments
};
// `durable_leaves`: how many leaves are known to have been durable from elsewhere. `helper` reads the next segment meanwhile, and
// does of it what needs no history; it must be another thread, and end before the disk does.
expected<Ending> replay(Disk& disk, const std::string& directory, History& history, std::uint64_t durable_leaves, Pool* helper = nullptr);

// The signed note in the file `checkpoint`, when it is there and whole.
struct Published : Checkpoint {
    std::string note;
};
std::optional<Published> newest_published(Disk& disk, const std::string& directory, std::span<const VerifierKey> keys);
// The one in the file `witnessed`, which was written durably: a damaged one is a complaint, a whole sentence.
expected<std::optional<Published>> newest_witnessed(Disk& disk, const std::string& directory, std::span<const VerifierKey> keys);
// With the key of the chain whose log the note is of.
expected<Checkpoint> read_note(std::string_view note, std::span<const VerifierKey> keys);
// Whether the leaves are those under a checkpoint, as far as they were kept. The diagnostic is a sentence.
expected<void> check_root(const History& history, const Checkpoint& checkpoint, const std::string& directory);

// A whole ledger that was found good: every record, root and signature, and the newest published checkpoint. Read-only; one that
// is being written to is taken as it was when its checkpoint was read, or a little later. The diagnostic is a sentence.
struct WholeLog {
    std::vector<VerifierKey> keys;  // the present one last
    Published published;
    std::optional<Published> witnessed;
    History history;
    Ending ending;
};
expected<WholeLog> read_log(Disk& disk, const std::string& directory, Pool* helper = nullptr);

}  // namespace meridian::metering
