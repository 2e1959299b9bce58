// The meter over the zone's ledger. Three locks, taken in this order: `committing_` (one group commit at a time, on the pool),
// the journal's own (growing files), and `mutex_` (positions, books, waiters), which a run takes twice, each time for one write
// to the page cache. `tree_mutex_` is for the tree alone, under none of the others but `committing_`.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"
#include "metering/books/event.h"
#include "metering/journal.h"
#include "metering/leaf.h"
#include "metering/log/service.h"
#include "metering/log/succession.h"
#include "metering/service.h"

namespace meridian::metering {

// A checkpoint's record: header, claim, three lines and one signature line. The origin is 26 bytes and stands there twice.
inline constexpr std::uint64_t checkpoint_room = 512;

class LedgerMeter final : public Meter, public PublicLog {
public:
    LedgerMeter(Disk& disk, Clock& clock, Rng& rng, Pool& pool, const keys::SigningKey& key, const geography::ZoneFacts& zone,
                MeterOptions options, std::unique_ptr<DirectoryLock> lock);
    // Held while a ledger is open; the diagnostic is a sentence.
    static expected<std::unique_ptr<DirectoryLock>> lock(Disk& disk, const std::string& directory);
    // The key of the log becomes ours, which is the last of the chain (log/rotate.h).
    struct Change {
        const keys::SigningKey& from;
        std::vector<VerifierKey> chain;
        Succession::Cause cause;
        std::optional<Checkpoint> seen;  // by others, of the log so far
    };
    // Replays, repairs, closes what a dead process left open, commits. Throws Error; the diagnostic is a sentence.
    expected<void> begin(const Change* change = nullptr);

    Hold hold(RunStart start) override;
    Task<Hold> begin(RunStart start) override;
    Task<std::optional<Error>> extend(Hold& hold, Money more) override;
    void know_budgets(const std::vector<Budget>& budgets) override;
    void lend(const Lease& lease) override;
    std::optional<Lease> give_back(const BudgetId& budget, Timestamp from, Money keep) override;
    std::optional<Purses::State> budget(const BudgetId& budget, Timestamp t) override;
    std::vector<BudgetId> take_touched_budgets() override;
    void borrow_from(Lender* lender) override;
    Receipt settle(Hold&& hold, const Usage& usage, Outcome outcome) override;
    Task<> durable() override;
    Task<> run_commits() override;
    void close() override;
    std::optional<Receipt> find(const RunId& id) override;
    std::vector<Receipt> list(const ReceiptFilter& filter) override;
    std::vector<Receipt> since(std::int64_t index, std::size_t limit) override;
    std::optional<RunId> run_of(const QuoteId& quote) override;
    Task<Json> proof(RunId id) override;
    Task<std::string> jws(RunId id) override;
    std::string checkpoint() override;
    std::string verifier_key() override { return verifier_.str(); }
    PublicLog& log() override { return *this; }
    Sums sums(const ProjectId& project) override;
    Money spent(const Scope& scope, Timestamp from, Timestamp to) override { return book_.rollup().spent(scope, from, to); }
    std::optional<Timestamp> first_run(const Scope& scope) override { return book_.rollup().first_run(scope); }
    std::vector<UsageRow> usage(const UsageQuery& query) override { return book_.rollup().usage(query); }
    void log_event(const AdminEvent& event) override;
    EventPage events(const EventFilter& filter) override;

    std::string log_checkpoint() override { return checkpoint(); }
    std::string log_witnessed() override;
    std::string log_key() override { return verifier_.str(); }
    std::uint64_t log_size() override;
    std::vector<keys::PublicKey> log_keys() override;
    Chain log_chain() override;
    std::optional<std::string> tile(const Tile& tile) override;
    Inclusion inclusion(std::uint64_t index, std::uint64_t size) override;
    Proof consistency(std::uint64_t from, std::uint64_t to) override;
    void keep_witnessed(std::string note) override;

private:
    // What somebody waits for: this record durable, this many leaves under a published checkpoint.
    struct Target {
        std::uint64_t sequence = 0, leaves = 0;
    };
    struct Waiter {
        Event event;
        Target target;
        std::optional<Error> failure;
    };
    struct Registration;

    // holds.cpp
    using TriedHold = std::variant<Hold, Purses::Wanting>;
    // Takes the start unless more has to be lent first.
    TriedHold try_hold(RunStart& start);
    Task<> borrow(Purses::Wanting wanted);

    // ledger_meter.cpp
    [[nodiscard]] std::uint64_t room_for_receipt(const RunStart& start) const;
    void check_writable() const;
    expected<void> take_over(const Change& change);
    expected<History> replayed(const Change* change);
    struct Prepared {
        std::string record;
        Sha256 hash;
        LeafFacts facts;
    };
    static Prepared prepare(const Receipt& receipt);
    std::uint64_t append_receipt(const Receipt& receipt, Prepared prepared);
    void close_interrupted(History& history);
    [[nodiscard]] Receipt read(std::uint64_t index, Place place);

    // books/event_log.cpp
    [[nodiscard]] AdminEvent read_event_at(std::uint64_t index, Place place);

    // commit.cpp
    void commit();
    [[nodiscard]] bool has_work();
    [[nodiscard]] bool is_reached(const Target& target) const { return durable_sequence_ >= target.sequence && covered_ >= target.leaves; }
    Task<> reach(Target target);
    std::uint64_t grow_tree(std::uint64_t& reserved);
    Journal::Unsynced take_unsynced();
    Journal::Unsynced append_checkpoint(const std::string& note, std::uint64_t size, std::uint64_t reserved);
    void publish(const std::string& note, std::uint64_t size, const Journal::Unsynced& synced);
    void fail_waiters(const Error& error);
    void write_checkpoint_file(const std::string& note);

    // proof.cpp
    [[nodiscard]] std::uint64_t index_of(const RunId& id);
    [[nodiscard]] Json proof_now(std::uint64_t index);
    [[nodiscard]] std::string jws_now(std::uint64_t index);

    Disk& disk_;
    Clock& clock_;
    Rng& rng_;
    Pool& pool_;
    const keys::SigningKey& key_;
    MeterOptions options_;
    std::unique_ptr<DirectoryLock> lock_;
    VerifierKey verifier_;
    std::vector<VerifierKey> chain_;  // keys of the log, ours last; as it is after begin()
    std::vector<Chain::Changed> changes_;
    LeafWriter writer_;
    std::string zone_, place_, jurisdiction_;

    std::mutex committing_;
    std::uint64_t signed_size_ = 0;  // leaves under the newest checkpoint record; under committing_
    std::string last_failure_;       // so that a disk that stays full is not logged at every commit

    std::mutex tree_mutex_;
    Tree tree_;

    BriefMutex mutex_;
    Journal journal_;
    Book book_;
    Purses purses_{[this](const Scope& scope, const Span& window) { return book_.rollup().spent(scope, window.from, window.to); }};
    Lender* lender_ = nullptr;
    std::vector<Sha256> fresh_;             // leaves that are not in the tree yet
    std::uint64_t checkpoint_reserve_ = 0;  // of the journal's reserve: for checkpoints over the fresh leaves
    std::uint64_t durable_sequence_ = 0, covered_ = 0;
    std::string note_;       // newest durable checkpoint
    std::string witnessed_;  // newest with cosignatures
    std::vector<std::shared_ptr<Waiter>> waiters_;
    std::shared_ptr<Event> wake_;  // the committer's, while it runs
    bool is_closed_ = false;
    bool is_broken_ = false;  // a sync failed: what the disk holds is not known any more, until a start replays it
};

}  // namespace meridian::metering
