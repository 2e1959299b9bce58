// Group commit: what was appended since the last one goes under one signature and one sync. While a sync runs the next group
// gathers, so that a busy ledger syncs as often as the disk can and no oftener.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "base/log.h"
#include "metering/ledger_meter.h"

namespace meridian::metering {
namespace {

// Past this a disk has stopped answering, and whoever waits is told so.
constexpr Duration wait_max = std::chrono::seconds(30);

}  // namespace

// The committer's event is known to the meter while the committer runs.
struct LedgerMeter::Registration {
    Registration(LedgerMeter& m, std::shared_ptr<Event> wake) : meter(m) {
        const std::lock_guard lock(meter.mutex_);
        if (!meter.waiters_.empty()) wake->notify();  // they came before
        meter.wake_ = std::move(wake);
    }
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;
    ~Registration() {
        const std::lock_guard lock(meter.mutex_);
        meter.wake_.reset();
    }
    LedgerMeter& meter;
};

bool LedgerMeter::has_work() {
    const std::lock_guard lock(mutex_);
    return !waiters_.empty() || book_.size() > covered_;
}

Task<> LedgerMeter::run_commits() {
    const auto wake = std::make_shared<Event>(co_await asio::this_coro::executor);
    const Registration registered(*this, wake);
    for (;;) {
        // Runs do not wake the committer, which would cost each of them a trip to its loop; those who wait for it do.
        co_await wake->wait(clock_, options_.commit_every);
        if (!has_work()) continue;
        std::string failure;
        try {
            co_await on(pool_, [this] { commit(); });
        } catch (const Error& e) {
            failure = fmt::format("{} ({})", e.said, e.logged);
        }
        if (failure != last_failure_ && !failure.empty()) log::error("metering", "the ledger's commit failed: {}", failure);
        last_failure_ = failure;
    }
}

Task<> LedgerMeter::durable() {
    Target target;
    {
        const std::lock_guard lock(mutex_);
        target = {journal_.newest_sequence(), book_.size()};
    }
    return reach(target);
}

Task<> LedgerMeter::reach(Target target) {
    const auto waiter = std::make_shared<Waiter>(Waiter{Event(co_await asio::this_coro::executor), target, std::nullopt});
    std::shared_ptr<Event> wake;
    {
        const std::lock_guard lock(mutex_);
        if (is_reached(target)) co_return;
        if (is_broken_) check_writable();
        waiters_.push_back(waiter);
        wake = wake_;
    }
    if (wake) wake->notify();
    co_await waiter->event.wait(clock_, wait_max);
    const std::lock_guard lock(mutex_);
    std::erase(waiters_, waiter);
    if (waiter->failure) throw Error(*waiter->failure);
    if (!is_reached(target))
        throw Error(Fault::unavailable, "The receipt is written but not durable yet, for the disk does not answer; ask for it again later.",
                    "a commit did not end");
}

void LedgerMeter::commit() {
    const std::lock_guard committing(committing_);
    try {
        std::uint64_t reserved = 0;
        const auto size = grow_tree(reserved);
        std::string note;
        {
            const std::lock_guard lock(mutex_);
            if (size == signed_size_) note = note_;
        }
        const bool is_new = note.empty();
        if (is_new) {
            const std::lock_guard lock(tree_mutex_);
            note = signed_note({verifier_.name, size, tree_.root(size)}, key_);
        }
        const auto unsynced = size > signed_size_ ? append_checkpoint(note, size, reserved) : take_unsynced();
        if (const auto synced = journal_.sync(unsynced); !synced) {
            const std::lock_guard lock(mutex_);
            is_broken_ = true;
            raise(synced.error(), "syncing the ledger");
        }
        publish(note, size, unsynced);
        if (is_new) write_checkpoint_file(note);
    } catch (const Error& e) {
        fail_waiters(e);
        throw;
    }
    journal_.tend();
}

// Takes the fresh leaves into the tree. `reserved` becomes the room that they had for a checkpoint, still reserved.
std::uint64_t LedgerMeter::grow_tree(std::uint64_t& reserved) {
    std::vector<Sha256> fresh;
    {
        const std::lock_guard lock(mutex_);
        if (is_broken_) check_writable();
        fresh = std::exchange(fresh_, {});
        reserved = std::exchange(checkpoint_reserve_, 0);
    }
    const std::lock_guard lock(tree_mutex_);
    for (const auto& leaf : fresh) tree_.append(leaf);
    return tree_.size();
}

Journal::Unsynced LedgerMeter::take_unsynced() {
    const std::lock_guard lock(mutex_);
    return journal_.take_unsynced();
}

Journal::Unsynced LedgerMeter::append_checkpoint(const std::string& note, std::uint64_t size, std::uint64_t reserved) {
    for (;;) {
        auto record = unsealed(note.size() + 8);
        {
            const std::lock_guard lock(mutex_);
            add_signed(record, {durable_sequence_, note});
            journal_.release(std::exchange(reserved, 0));
            if (journal_.has_room(record.size())) {
                journal_.append(RecordType::checkpoint, record);
                signed_size_ = size;
                return journal_.take_unsynced();
            }
        }
        // Leaves of an earlier, failed commit gave their room back already.
        journal_.make_room(record.size());
    }
}

void LedgerMeter::publish(const std::string& note, std::uint64_t size, const Journal::Unsynced& synced) {
    std::vector<std::shared_ptr<Waiter>> reached;
    {
        const std::lock_guard lock(mutex_);
        note_ = note;
        durable_sequence_ = synced.through;
        covered_ = size;
        std::erase_if(waiters_, [&](const auto& waiter) {
            if (!is_reached(waiter->target)) return false;
            reached.push_back(waiter);
            return true;
        });
    }
    for (const auto& waiter : reached) waiter->event.notify();
}

void LedgerMeter::fail_waiters(const Error& error) {
    std::vector<std::shared_ptr<Waiter>> all;
    {
        const std::lock_guard lock(mutex_);
        all = std::exchange(waiters_, {});
        for (const auto& waiter : all) waiter->failure = error;
    }
    for (const auto& waiter : all) waiter->event.notify();
}

// For people, and as the statement that all below it was durable. Written after the sync and not synced itself: whichever
// version a power cut leaves is true, and a torn one is passed over.
void LedgerMeter::write_checkpoint_file(const std::string& note) {
    const auto path = options_.directory + "/checkpoint";
    const auto write = [&]() -> DiskResult<void> {
        auto file = disk_.open(path + ".new", Disk::Open::create);
        if (!file) return std::unexpected(file.error());
        if (auto cut = (*file)->truncate(0); !cut) return cut;
        if (auto written = (*file)->write(0, note); !written) return written;
        return disk_.rename(path + ".new", path);
    };
    if (const auto done = write(); !done) log::warn("metering", "the file `checkpoint` is not the newest: {}", done.error().said);
}

std::string LedgerMeter::checkpoint() {
    const std::lock_guard lock(mutex_);
    return note_;
}

void LedgerMeter::close() {
    {
        const std::lock_guard lock(mutex_);
        if (is_closed_) return;
        is_closed_ = true;
    }
    try {
        commit();
        journal_.trim();
        if (const auto done = disk_.replace_file(options_.directory + "/checkpoint", checkpoint()); !done)
            raise(done.error(), "writing the ledger's checkpoint");
    } catch (const Error& e) {
        // The next start finds everything that was written, and says what is wrong.
        log::error("metering", "the ledger was not closed cleanly: {} ({})", e.said, e.logged);
    }
}

}  // namespace meridian::metering
