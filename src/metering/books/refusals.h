// Changes that the rules of permission refused to somebody known, as events of the log. A hostile caller cannot fill it: of each principal
// so many a minute are told one by one, and the rest as one event that says how many there were.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/async.h"
#include "base/rng.h"
#include "http/denial.h"
#include "identity/service.h"
#include "metering/books/event.h"
#include "metering/service.h"

namespace meridian::metering {

namespace limits {
inline constexpr Duration refusal_window = std::chrono::minutes(1);
inline constexpr std::size_t refusals_told = 10;          // of one principal in a window, one by one
inline constexpr std::size_t refusal_principals = 1'000;  // counted apart in a window; those beyond are counted together
inline constexpr std::size_t refusals_waiting = 10'000;   // for a log that cannot take them; more are counted
}  // namespace limits

// Who was refused how often. Pure; not locked.
class RefusalTally {
public:
    // Whether this one is an event by itself; else it is counted.
    bool tells(const AdminEvent& refused, Steady now, bool has_room = true);
    // What was counted in windows that are over, or in all of them: an event for each principal.
    std::vector<AdminEvent> over(Steady now);
    std::vector<AdminEvent> all();

private:
    struct Window {
        Steady begins{};
        std::size_t told = 0;
        std::int64_t more = 0;
        Timestamp first_more{};
        AdminEvent last{};
    };
    using Key = std::pair<OrganizationId, PrincipalId>;  // nil: those whom there was no place for
    static AdminEvent sum_of(const Window& window);
    std::map<Key, Window> windows_;
};

class Refusals {
public:
    Refusals(Meter& meter, Pool& pool, Clock& clock, Rng& rng) : meter_(meter), pool_(pool), clock_(clock), rng_(rng) {}
    // On any loop; waits for nothing. Reads and uses are passed over: only what would have changed something is told.
    void take(const http::Principal& by, const http::Request& request, const http::Route& route);
    // Brings them into the log, until cancelled; spawn once.
    Task<> run();
    // What is left, counts of windows under way too. Before the meter closes.
    Task<> end();

private:
    void write();

    Meter& meter_;
    Pool& pool_;
    Clock& clock_;
    Rng& rng_;

    std::mutex mutex_;
    RefusalTally tally_;
    std::vector<AdminEvent> waiting_;
    std::shared_ptr<Event> wake_;  // while `run` does
    std::string last_failure_;     // so that a disk that stays full is not logged every time
};

// The router's authorizer, which tells them.
class RecordingDoor final : public http::Authorizer, public http::DenialRecord {
public:
    RecordingDoor(http::Authorizer& inner, Refusals& refusals) : inner_(inner), refusals_(refusals) {}
    std::shared_ptr<const http::Principal> authorize(const http::Request& request, const http::Permission& permission) override {
        return inner_.authorize(request, permission);
    }
    void denied(const http::Principal& caller, const http::Request& request, const http::Route& route) override {
        refusals_.take(caller, request, route);
    }

private:
    http::Authorizer& inner_;
    Refusals& refusals_;
};

}  // namespace meridian::metering
