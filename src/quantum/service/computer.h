// Quotes jobs and runs them. Behind it are decoders and engines on threads of their own; nothing here knows rows or money kept in books.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/async.h"
#include "base/expected.h"
#include "base/rng.h"
#include "quantum/service/queue.h"
#include "quantum/service/types.h"

namespace meridian::quantum::service {

// What there is to run. The program's text is read by name from where content lies.
struct Order {
    JobId job;
    SessionId session;
    ProjectId project;
    Platform platform;
    std::string content;  // name of the program's text
    std::string parameters;
    std::shared_ptr<const std::string> text = {};  // of the program, where it is not content yet
    std::optional<std::string> application = {};   // the text is the input of what this names, and no program
};

struct Decoded;  // the computer's own
struct Ready {
    Quote quote;
    metering::Price price = {};  // that it was quoted by, and is charged by
    std::string digest;          // "sha256:..." of the program's text
    Lane lane = Lane::large;
    std::shared_ptr<const Decoded> decoded;  // null: to be read again when it runs
};

// Set by others while a job runs, read by the engine's thread; and the other way round.
struct Control {
    std::atomic<bool> cancel{false}, is_overdue{false};
    std::optional<Steady> deadline;
    std::atomic<double> done{0};  // share of the work
};

// Complaints of a run that was ended from outside.
inline constexpr std::string_view was_cancelled = "cancelled", was_overdue = "overdue";

struct Ran {
    std::string result;  // the text of one JobResult
    Duration took{};
    std::optional<Millijoules> energy = {};  // by the processors' counter
};

// What the receipt of a run says that was used: time that was not quoted is not charged.
metering::Usage usage_of(const Quote& quote, const Ran& ran);
// Rounded up, for a millisecond begun is charged.
std::int64_t milliseconds_of(double seconds);

class Computer {
public:
    virtual ~Computer() = default;
    // Reads the program and says what running it takes. The complaint is a sentence for the user: why it cannot be run.
    virtual Task<expected<Ready>> prepare(Order order) = 0;
    // One call at a time for each lane.
    virtual Task<expected<Ran>> run(Order order, Ready ready, std::shared_ptr<Control> control) = 0;
    // What a session kept is not needed any more.
    virtual void forget(const SessionId& session) = 0;
};

}  // namespace meridian::quantum::service
