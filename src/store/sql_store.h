// What both databases share: the store's own rows (revisions, changes, outbox), written by the transaction that they are of, and the
// turn that makes writers of one process wait for each other.
#pragma once
#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "store/events.h"
#include "store/feed.h"
#include "store/leases.h"
#include "store/store.h"

namespace meridian::store {

enum class Access { write, read };

class RowsTx : public Tx {
public:
    RowsTx(Access access, Revision revision) : access_(access), revision_(revision) {}
    [[nodiscard]] Revision revision() const override {
        MERIDIAN_ASSERT(access_ == Access::write);
        return revision_;
    }
    void changed(std::string_view topic, std::string_view key) override;
    void outbox(std::string_view topic, std::string_view payload) override;

    // Writes the revision and its changes; true when there was anything to write.
    bool finish(Timestamp now);
    [[nodiscard]] const Changes& changes() const { return changes_; }
    [[nodiscard]] std::set<std::string, std::less<>> topics() const;

protected:
    // True when this transaction changed a row.
    [[nodiscard]] virtual bool has_written() const = 0;

private:
    Access access_;
    Revision revision_;
    Changes changes_;
};

class SqlStore : public Store {
public:
    ChangeFeed& feed() override { return feed_; }
    Pool& pool() override { return pool_; }
    std::vector<Change> changes_since(Revision revision, std::size_t limit) override;
    std::vector<OutboxRow> outbox(std::string_view topic, std::size_t limit) override;
    void outbox_done(std::string_view topic, std::int64_t up_to_id) override;
    void fence(const Lease& lease) override;

protected:
    SqlStore(Clock& clock, Pool& pool) : clock_(clock), pool_(pool) {}

    // The queue of writers. A write inside a write would wait for itself: a bug.
    class Turn {
    public:
        explicit Turn(SqlStore& store);
        ~Turn();
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;

    private:
        SqlStore& store_;
    };

    // Everything between the begin and the commit of a write: what the caller does, the lines for its author, the revision. True when
    // there is something to commit. Readers see what was committed before.
    bool fill(RowsTx& tx, const Author& by, const std::function<void(Tx&)>& f, TableNamed table_named, Timestamp now);

    Clock& clock_;
    Pool& pool_;
    Feed feed_;

private:
    std::mutex writing_;  // held through commit and the posting of wakes, which keeps their order
    std::atomic<std::thread::id> writing_thread_;
    std::optional<Lease> lease_;  // of whoever has the turn
};

}  // namespace meridian::store
