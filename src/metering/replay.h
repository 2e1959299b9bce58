// Reads a whole ledger back and judges it: the same code for a start, for `meridian verify` and for the fuzzer.
//
// Two kinds of trouble look alike: what a power cut leaves of writes that were not synced (any of their sectors may be missing,
// also in front of ones that are there), and damage to what had been acknowledged. They are told apart by what is known to have
// been durable: each checkpoint record says so for everything before the sync that preceded it, and the file `checkpoint` is
// written only after the sync of what it covers. Trouble before that point is refused; after it, the tail is cut.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/disk.h"
#include "metering/book.h"
#include "metering/note.h"
#include "metering/record.h"
#include "metering/tree.h"

namespace meridian::metering {

// The sum of the records so far. `take` refuses what no Meridian writes; the diagnostic is half a sentence.
struct History {
    enum class Check { roots, roots_and_signatures };
    VerifierKey key;
    Check check = Check::roots;  // the newest signature is checked in either case, by whoever replays

    Book book;
    Tree tree;
    std::unordered_map<RunId, Opening> open;  // opened, not settled
    std::uint64_t next_sequence = 1;
    std::uint64_t durable_through = 0;  // the newest claim of a checkpoint record
    std::uint64_t checkpoints = 0;
    std::string note;               // newest; empty: none
    std::uint64_t signed_size = 0;  // leaves under it
    Timestamp last_time{};          // newest time in any record

    expected<void> take(const Record& record, std::uint32_t segment);

private:
    expected<void> take_opening(const Record& record);
    expected<void> take_receipt(const Record& record, std::uint32_t segment);
    expected<void> take_checkpoint(const Record& record);
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
// `durable_leaves`: how many leaves are known to have been durable from elsewhere.
expected<Ending> replay(Disk& disk, const std::string& directory, History& history, std::uint64_t durable_leaves);

// The signed note in the file `checkpoint`, when it is there and whole.
std::optional<Checkpoint> newest_published(Disk& disk, const std::string& directory, const VerifierKey& key);

}  // namespace meridian::metering
