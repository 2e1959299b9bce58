#include "metering/journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/log.h"

namespace meridian::metering {
namespace {

constexpr std::string_view doing = "writing the ledger";
constexpr std::uint64_t page = 4096;
constexpr std::uint64_t ready_ahead = 4 * page, ready_least = 2 * page;  // some ten runs

DiskResult<void> write_zeros(File& file, std::uint64_t at, std::uint64_t count) {
    static const std::string zeros(64 * 1024, '\0');
    for (const auto end = at + count; at < end;) {
        const auto piece = std::min<std::uint64_t>(zeros.size(), end - at);
        if (auto written = file.write(at, std::string_view(zeros).substr(0, piece)); !written) return written;
        at += piece;
    }
    return {};
}

template <class T>
T unwrap(DiskResult<T> result) {
    if (!result) raise(result.error(), doing);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace

Journal::Journal(Disk& disk, std::string directory, Sizes sizes, BriefMutex& mutex)
    : disk_(disk), directory_(std::move(directory)), sizes_(sizes), mutex_(mutex) {}

void Journal::begin(const Ending& ending, const History& history) {
    next_sequence_ = history.next_sequence;
    if (ending.has_tail) unwrap(remove_tail(ending));
    for (std::size_t i = 0; i < ending.kept; ++i) segments_.push_back({directory_ + "/" + ending.segments[i].name, nullptr});
    if (segments_.empty()) {
        unwrap(rotate());
    } else {
        end_ = tended_at_ = ending.at;
        blank_until_ = ending.has_tail ? ending.at : ending.blank_until;
        // A killed process leaves the page cache, which is not durable: the last two may have been written since the last sync.
        first_unsynced_ = segments_.size() - std::min<std::size_t>(segments_.size(), 2);
        directory_unsynced_ = true;
        for (auto i = first_unsynced_; i < segments_.size(); ++i)
            segments_[i].file = unwrap(disk_.open(segments_[i].path, Disk::Open::write_existing));
        map_ahead();
    }
}

// Under the mutex, or before anybody knows of this. To where the segment will have grown before the next begins, and more.
void Journal::map_ahead() {
    ahead_at_ = end_;
    ahead_ = segments_.back().file->map(end_, static_cast<std::size_t>(std::max(blank_until_, 2 * sizes_.segment) - end_));
    ready_until_ = 0;
    is_unready_ = !ahead_.empty();
}

std::span<char> Journal::mapped(std::uint64_t from, std::uint64_t until) const {
    from = std::max(from, ahead_at_);
    until = std::min(until, ahead_at_ + ahead_.size());
    if (until <= from) return {};
    return ahead_.subspan(static_cast<std::size_t>(from - ahead_at_), static_cast<std::size_t>(until - from));
}

// A sync makes every page that it writes one that has to be made ready again, and tells every core of each of them that is mapped. So
// none is any more when it begins, save the one in use; what is made ready meanwhile is not in that sync.
void Journal::unready() {
    const std::lock_guard growing(growing_);
    std::span<char> written, blank;
    {
        const std::lock_guard lock(mutex_);
        written = mapped(ahead_at_, end_);
        blank = mapped(end_, ready_until_);
        ready_until_ = 0;
        is_unready_ = !ahead_.empty();
    }
    auto& file = *segments_.back().file;
    file.expect_no_writes(written);
    file.expect_no_writes(blank);
}

void Journal::make_ready() {
    if (!is_unready_.load(std::memory_order_relaxed)) return;
    const std::unique_lock growing(growing_, std::try_to_lock);
    if (!growing) return;
    std::span<char> next;
    {
        const std::lock_guard lock(mutex_);
        const auto from = std::max(end_ / page * page, ready_until_);
        ready_until_ = std::max(from, std::min(from + ready_ahead, blank_until_ / page * page));
        next = mapped(from, ready_until_);
        is_unready_ = false;
    }
    segments_.back().file->expect_writes(next);
}

// Durable before anything is appended: else a power cut could bring back old records behind new ones.
DiskResult<void> Journal::remove_tail(const Ending& ending) {
    for (auto i = ending.segments.size(); i > ending.kept; --i)
        if (auto removed = disk_.remove(directory_ + "/" + ending.segments[i - 1].name); !removed) return removed;
    if (auto synced = disk_.sync_directory(directory_); !synced) return synced;
    if (ending.kept == 0) return {};
    const auto path = directory_ + "/" + ending.segments[ending.kept - 1].name;
    log::warn("metering", "{}: cutting what a crash left behind byte {}", path, ending.at);
    auto file = disk_.open(path, Disk::Open::write_existing);
    if (!file) return std::unexpected(file.error());
    if (auto cut = (*file)->truncate(ending.at); !cut) return cut;
    return (*file)->sync();
}

void Journal::release(std::uint64_t bytes) {
    MERIDIAN_ASSERT(bytes <= reserved_);
    reserved_ -= bytes;
}

Place Journal::append(RecordType type, std::string& record) {
    MERIDIAN_ASSERT(end_ + record.size() <= blank_until_);
    seal(record, type, next_sequence_);
    if (end_ + record.size() <= ahead_at_ + ahead_.size()) {
        std::memcpy(ahead_.data() + (end_ - ahead_at_), record.data(), record.size());
    } else if (auto written = segments_.back().file->write(end_, record); !written) {
        raise(written.error(), doing);
    }
    const Place place{static_cast<std::uint32_t>(segments_.size() - 1), end_};
    end_ += record.size();
    ++next_sequence_;
    if (end_ + ready_least > ready_until_ && !ahead_.empty()) is_unready_.store(true, std::memory_order_relaxed);
    return place;
}

Journal::Unsynced Journal::take_unsynced() {
    Unsynced made{{}, std::exchange(directory_unsynced_, false), newest_sequence()};
    for (auto i = first_unsynced_; i < segments_.size(); ++i) made.files.push_back(segments_[i].file);
    first_unsynced_ = segments_.size() - 1;  // the last is written to again
    return made;
}

DiskResult<void> Journal::sync(const Unsynced& what) {
    unready();
    for (const auto& file : what.files)
        if (auto synced = file->sync(); !synced) return synced;
    return what.directory ? disk_.sync_directory(directory_) : DiskResult<void>{};
}

void Journal::make_room(std::uint64_t bytes) {
    const std::lock_guard growing(growing_);
    std::shared_ptr<File> file;
    std::uint64_t at = 0, short_of = 0;
    {
        const std::lock_guard lock(mutex_);
        if (has_room(bytes)) return;
        file = segments_.back().file;
        at = blank_until_;
        short_of = end_ + reserved_ + bytes - blank_until_;
    }
    const auto least = (short_of + page - 1) / page * page;
    auto count = std::max(sizes_.ahead, least);
    auto written = write_zeros(*file, at, count);
    if (!written && written.error().kind == DiskError::Kind::full && count > least) {
        count = least;
        written = write_zeros(*file, at, count);
    }
    unwrap(std::move(written));
    const std::lock_guard lock(mutex_);
    blank_until_ = at + count;
    if (blank_until_ > ahead_at_ + ahead_.size()) map_ahead();
}

void Journal::tend() {
    std::uint64_t end = 0, wanted = 0;
    bool is_short = false;
    {
        const std::lock_guard lock(mutex_);
        end = end_;
        wanted = std::max(sizes_.ahead / 2, 2 * (end_ - std::exchange(tended_at_, end_)));
        is_short = !has_room(wanted);
    }
    if (end >= sizes_.segment) {
        const std::lock_guard growing(growing_);
        if (const auto done = rotate(); !done)
            log::warn("metering", "a new segment of the ledger cannot be begun yet: {}", done.error().said);
    } else if (is_short) {
        try {
            make_room(wanted);
        } catch (const Error& e) {
            log::warn("metering", "{} ({})", e.said, e.logged);
        }
    }
}

DiskResult<std::shared_ptr<File>> Journal::blank_file(const std::string& path, std::uint64_t bytes) {
    auto file = disk_.open(path, Disk::Open::create);
    if (!file) return std::unexpected(file.error());
    if (auto cut = (*file)->truncate(0); !cut) return std::unexpected(cut.error());
    if (auto written = write_zeros(**file, 0, bytes); !written) return std::unexpected(written.error());
    return std::shared_ptr<File>(std::move(*file));
}

// The new file gets its zero bytes under another name, so that runs wait for no more than a rename.
DiskResult<void> Journal::rotate() {
    const auto waiting = directory_ + "/next";
    std::uint64_t needed = sizes_.ahead;
    std::shared_ptr<File> file;
    for (;;) {
        auto made = blank_file(waiting, needed);
        if (!made) return std::unexpected(made.error());
        file = std::move(*made);
        const std::lock_guard lock(mutex_);
        if (reserved_ > needed) {
            needed = reserved_ + sizes_.ahead;
            continue;
        }
        const auto path = directory_ + "/" + segment_name(next_sequence_);
        if (auto renamed = disk_.rename(waiting, path); !renamed) return renamed;
        // The old one's zero bytes can go; if they stay, they are still blank.
        if (!segments_.empty()) {
            (void)segments_.back().file->map(0, 0);
            (void)segments_.back().file->truncate(end_);
        }
        segments_.push_back({path, file});
        end_ = tended_at_ = 0;
        blank_until_ = needed;
        map_ahead();
        directory_unsynced_ = true;
        return {};
    }
}

void Journal::trim() {
    const std::lock_guard growing(growing_);
    std::shared_ptr<File> file;
    std::uint64_t size = 0;
    {
        const std::lock_guard lock(mutex_);
        file = segments_.back().file;
        size = end_ + reserved_;
        if (size >= blank_until_) return;
        blank_until_ = size;
    }
    // Bytes that stay are blank and do no harm. Nobody writes behind blank_until_, so the memory that loses its file is not touched.
    if (const auto cut = file->truncate(size); !cut)
        log::warn("metering", "the ledger's last segment keeps its blank end: {}", cut.error().said);
}

DiskResult<Journal::Segment> Journal::reader(std::uint32_t number) {
    Segment segment;
    {
        const std::lock_guard lock(mutex_);
        segment = segments_[number];
        if (segment.file) return segment;
    }
    auto file = disk_.open(segment.path, Disk::Open::read);
    if (!file) return std::unexpected(file.error());
    segment.file = std::move(*file);
    const std::lock_guard lock(mutex_);
    segments_[number].file = segment.file;
    return segment;
}

std::string Journal::read(Place place) {
    const auto segment = reader(place.segment);
    if (!segment) raise(segment.error(), "reading the ledger");
    std::string bytes(header_bytes + 2048, '\0');
    for (;;) {
        const auto got = segment->file->read(place.offset, bytes);
        if (!got) raise(got.error(), "reading the ledger");
        if (const auto record = record_at(std::string_view(bytes).substr(0, *got), 0)) return std::string(record->payload);
        if (*got < bytes.size() || bytes.size() > header_bytes + payload_max) break;
        bytes.resize(header_bytes + payload_max + 1);
    }
    throw Error(Fault::unavailable, "A receipt cannot be read back, for the ledger is damaged; look at the log.",
                fmt::format("{} at byte {}: not the record that was written", segment->path, place.offset));
}

}  // namespace meridian::metering
