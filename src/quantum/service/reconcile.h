// Makes jobs run: quotes them, queues them, runs them on the computer, and writes how they ended. Works from the rows, so that recovery
// after a crash is the ordinary path. Lives on one executor.
//
// Reading a program takes its turn too: one project's at a time, that of the project first which has been read for least, so that who sends
// large programs delays himself. While a booking lasts, its session's jobs go before all others, and a job that might not have ended when
// a booking begins waits until that is over, unless it is short. Jobs of a booked session wait for its time.
//
// Never lost: a job's row is on the disk before its POST is answered, and stays unfinished until its end is on the disk. Never billed
// twice: a run has one id, which is in the row before the run is held in the ledger, and the ledger has one receipt for an id. After a
// crash the ledger says what became of the run: nothing yet (it runs now), finished (its result is there, written before the receipt), or
// interrupted, which costs nothing: then it is run again once, under a new id.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/async.h"
#include "metering/commitment.h"
#include "metering/service.h"
#include "quantum/service/computer.h"
#include "quantum/service/keeper.h"
#include "quantum/service/queue.h"
#include "quantum/service/service.h"
#include "store/blobs.h"
#include "store/store.h"

namespace meridian::quantum::service {

// What a user is told when the fault is ours.
inline constexpr std::string_view our_mistake = "The job failed through a mistake of ours; the operator's log says more.";

class Reconciler {
public:
    // `node` is the name that receipts carry; `files` reads and writes content.
    Reconciler(store::Store& store, store::ContentStore& content, Pool& files, metering::Meter& meter, Computer& computer, Quantum& quantum,
               std::string node, Clock& clock, Rng& rng, Executor executor);
    ~Reconciler();

    Task<> run();
    // Ends run(). What computes is stopped, and runs again after the next start.
    Task<> stop();

private:
    struct Work {
        Job job;
        std::optional<Ready> ready;        // quoted
        std::shared_ptr<Control> control;  // running
        bool is_cancelled = false;
    };
    struct End {
        JobState state = JobState::completed;
        std::optional<std::string> said;
        std::optional<std::uint64_t> result_bytes;
        std::optional<Timestamp> started_at;
    };
    struct Seen {
        std::vector<Job> jobs;
        std::vector<Booking> bookings;
    };
    Task<Seen> seen_since(std::int64_t revision);
    Task<> recover();
    Task<> resume(Job job);
    Task<> pass();
    void admit(const Job& job);
    void cancel(Work& work);
    void read_next();
    Task<> prepare(Waiting taken);
    Task<> read_and_queue(JobId id);
    [[nodiscard]] Waiting waiting_of(const Work& work) const;
    void enqueue(const Work& work);
    [[nodiscard]] const Booking* slot_of(const SessionId& session) const;
    void begin_slots();
    void dispatch();
    void forecast();
    Task<> execute(Waiting taken, Lane lane);
    Task<End> compute(Job job, Ready ready, metering::Price price, std::shared_ptr<Control> control);
    Task<Sha256> input_of(const Job& job, const Order& order, const metering::CommitmentKey& key);
    Task<> finish(JobId id, End end);
    void look_at_sessions(Timestamp at);
    [[nodiscard]] bool is_look_due() const;
    [[nodiscard]] std::optional<Order> order_of(const Job& job) const;
    [[nodiscard]] metering::RunStart start_of(const Job& job, const Ready& ready, const metering::Price& price) const;
    [[nodiscard]] metering::Price price_of(const Waiting& taken, const Job& job) const;

    store::Store& store_;
    store::ContentStore& content_;
    Pool& files_;
    metering::Meter& meter_;
    Computer& computer_;
    Quantum& quantum_;
    std::string node_;
    Clock& clock_;
    Rng& rng_;
    Keeper keeper_;
    TaskGroup group_;
    Event wake_;
    bool stopping_ = false, sessions_changed_ = true;
    std::int64_t seen_revision_ = 0;
    std::map<JobId, Work> work_;
    Queue to_read_, queue_;
    std::set<ProjectId> reading_;       // whose jobs are being read
    std::vector<Booking> slots_;        // that have not ended
    std::set<JobId> early_;             // read, of a session whose booking has not begun
    bool is_busy_[2] = {false, false};  // by lane
    std::optional<Steady> free_at_[2];  // by lane, as quoted
    std::optional<Steady> forecast_at_;
    std::optional<Timestamp> sessions_due_;  // when the keeper has something to do
    std::optional<Steady> looked_at_;        // when it last had
    std::shared_ptr<void> jobs_listening_, sessions_listening_;
};

namespace limits {
inline constexpr std::size_t readers = 2;  // jobs that are read at once, of different projects
}  // namespace limits

}  // namespace meridian::quantum::service
