// The writing side of the ledger: segment files, the place of the next record, and room that is taken before it is needed.
//
// A run's receipt must find room although the disk filled up meanwhile, so files are written ahead with zero bytes, and what open
// runs will need is reserved in them. Appends are one small write to the page cache under the owner's mutex, into mapped memory where
// the disk offers it, which saves a run two calls into the kernel; growing, syncing and changing files happen outside of it.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/disk.h"
#include "metering/book.h"
#include "metering/brief_mutex.h"
#include "metering/record.h"
#include "metering/replay.h"

namespace meridian::metering {

class Journal {
public:
    struct Sizes {
        std::uint64_t segment;  // past this size the next commit begins a new file
        std::uint64_t ahead;    // zero bytes are written in pieces of this size
    };
    Journal(Disk& disk, std::string directory, Sizes sizes, BriefMutex& mutex);
    // After a replay: cuts the torn tail (durably), opens the files. Throws Error. Before any other call, on one thread.
    void begin(const Ending& ending, const History& history);

    // --- Under the mutex.
    [[nodiscard]] bool has_room(std::uint64_t bytes) const { return end_ + reserved_ + bytes <= blank_until_; }
    void reserve(std::uint64_t bytes) { reserved_ += bytes; }
    void release(std::uint64_t bytes);
    // The record's room must be there, or have been released just now. Throws Error when the write fails; nothing is appended then.
    Place append(RecordType type, std::string& record);
    [[nodiscard]] std::uint64_t newest_sequence() const { return next_sequence_ - 1; }
    // What was not durable before; the caller syncs it.
    struct Unsynced {
        std::vector<std::shared_ptr<File>> files;
        bool directory = false;
        std::uint64_t through = 0;  // the newest sequence in it
    };
    [[nodiscard]] Unsynced take_unsynced();

    // --- Not under the mutex.
    // Writes ahead until `bytes` fit beside what is reserved. Throws Error{unavailable}, "The disk is full ...".
    void make_room(std::uint64_t bytes);
    DiskResult<void> sync(const Unsynced& what);
    // The pages that the next records go to, before they are wanted under the mutex. Cheap where they are.
    void make_ready();
    // Between commits: a new file when this one is long enough, zero bytes ahead when few are left for as much as was written between the
    // last two. A disk that refuses is no trouble yet.
    void tend();
    // Cuts the zero bytes that no open run needs.
    void trim();
    // The payload of the record at `place`, with its checksum checked. Throws Error.
    [[nodiscard]] std::string read(Place place);

private:
    struct Segment {
        std::string path;
        std::shared_ptr<File> file;
    };
    DiskResult<void> remove_tail(const Ending& ending);
    DiskResult<void> rotate();
    DiskResult<std::shared_ptr<File>> blank_file(const std::string& path, std::uint64_t bytes);
    DiskResult<Segment> reader(std::uint32_t number);
    void map_ahead();
    void unready();
    [[nodiscard]] std::span<char> mapped(std::uint64_t from, std::uint64_t until) const;

    Disk& disk_;
    std::string directory_;
    Sizes sizes_;
    BriefMutex& mutex_;
    std::mutex growing_;  // one at a time writes ahead or changes files; taken before the mutex
    std::vector<Segment> segments_;
    std::uint64_t end_ = 0, blank_until_ = 0;  // in the last segment
    std::uint64_t reserved_ = 0;
    std::span<char> ahead_;  // from ahead_at_ on in the last segment, as memory; empty where the disk has none to give
    std::uint64_t ahead_at_ = 0;
    std::uint64_t ready_until_ = 0;         // pages before it were made ready since the last sync
    std::atomic<bool> is_unready_ = false;  // they soon end
    std::uint64_t tended_at_ = 0;           // the end of the last segment when it was last looked after
    std::uint64_t next_sequence_ = 1;
    std::size_t first_unsynced_ = 0;  // segments before it are durable
    bool directory_unsynced_ = false;
};

}  // namespace meridian::metering
