#include "store/postgres/listener.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <charconv>

#include "base/log.h"
#include "store/postgres/connection.h"

namespace meridian::store::postgres {
namespace {

// A connection that is dead without having said so is found out by asking.
constexpr std::chrono::milliseconds look_every{10'000};

Revision revision_in(std::string_view payload) {
    Revision revision = 0;
    std::from_chars(payload.data(), payload.data() + payload.size(), revision);
    return revision;
}

}  // namespace

Listener::Listener(Dialler& dialler, Feed& feed, Revision seen, const std::atomic<int>& writer)
    : dialler_(dialler), feed_(feed), seen_(seen), writer_(writer), end_(::eventfd(0, EFD_CLOEXEC)) {
    if (end_ < 0) throw Error(Fault::unavailable, "There are too many open files.", "eventfd");
    thread_ = std::thread([this] { run(); });
}

Listener::~Listener() {
    const std::uint64_t one = 1;
    MERIDIAN_ASSERT(::write(end_, &one, sizeof one) == sizeof one);
    thread_.join();
    ::close(end_);
}

bool Listener::wait(int socket, std::chrono::milliseconds within) {
    pollfd at[] = {{end_, POLLIN, 0}, {socket, POLLIN, 0}};
    ::poll(at, socket < 0 ? 1 : 2, static_cast<int>(within.count()));
    return at[0].revents == 0;
}

void Listener::run() {
    for (;;) {
        try {
            const auto connection = dialler_.dial();
            listen(*connection);
            return;
        } catch (const Error& e) {  // ends here: it is tried again, and the first failure of many is logged by the dialler
            log::debug("store", "notifications of the database were interrupted: {}", e.logged);
        }
        if (!wait(-1, dialler_.pause())) return;
    }
}

void Listener::listen(Connection& connection) {
    connection.script(fmt::format("listen {}", channel));
    make_up(connection);
    for (;;) {
        if (!wait(connection.socket(), look_every)) return;
        const auto told = connection.notifications();
        bool is_behind = told.empty();
        for (const auto& one : told) {
            const auto revision = revision_in(one.payload);
            if (revision == seen_ + 1 && one.backend == writer_) {
                ++seen_;
            } else {
                is_behind = is_behind || revision > seen_;
            }
        }
        if (is_behind) make_up(connection);
    }
}

void Listener::make_up(Connection& connection) {
    const Value since[] = {value(seen_)};
    const auto span = connection.query("select min(revision) as oldest, coalesce(max(revision), 0) as newest from revisions").at(0);
    const auto newest = span.get<std::int64_t>("newest");
    if (newest <= seen_) return;
    if (span.get<std::int64_t>("oldest") > seen_ + 1) {  // the feed does not reach back: whoever listens reads anew
        feed_.committed_unknown(newest);
    } else {
        for (const auto& row : connection.query("select topic, max(revision) as last from changes where revision > $1 group by topic "
                                                "order by last, topic",
                                                since))
            feed_.committed(row.get<std::int64_t>("last"), {row.get<std::string>("topic")});
        feed_.committed(newest, {});  // those who listen to everything
    }
    seen_ = newest;
}

}  // namespace meridian::store::postgres
