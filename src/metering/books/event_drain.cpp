#include "metering/books/event_drain.h"
#include "metering/books/event.h"

#include <fmt/format.h>

#include <boost/asio/this_coro.hpp>

#include "base/log.h"
#include "store/events.h"

namespace meridian::metering {
namespace {

constexpr std::size_t at_once = 256;
constexpr Duration again_after = std::chrono::seconds(30);  // after a failure, and for a wake-up that got lost

}  // namespace

Task<> EventDrain::run() {
    const auto home = co_await asio::this_coro::executor;
    Event changed(home);
    const auto listening = store_.feed().listen(home, {}, [&changed](store::Revision) { changed.notify(); });
    std::string last_failure;  // so that a disk that stays full is not logged every time
    for (;;) {
        std::string failure;
        try {
            while (co_await drain() == at_once) {
            }
        } catch (const Error& e) {
            failure = fmt::format("{} ({})", e.said, e.logged);
        }
        if (failure != last_failure && !failure.empty())
            log::error("metering", "changes wait in the outbox, for the log cannot take them: {}", failure);
        last_failure = failure;
        co_await changed.wait(clock_, again_after);
    }
}

Task<std::size_t> EventDrain::drain() {
    const auto rows = co_await on(store_.pool(), [this] {
        auto found = store_.outbox(store::events_topic, at_once);
        for (const auto& row : found) {
            const auto event = event_of(row.id, row.payload);
            if (event)
                meter_.log_event(*event);
            else
                log::error("metering", "line {} of the outbox is left out of the log: {}", row.id, event.error().said);
        }
        return found;
    });
    if (rows.empty()) co_return 0;
    co_await meter_.durable();
    co_await on(store_.pool(), [this, last = rows.back().id] { store_.outbox_done(store::events_topic, last); });
    co_return rows.size();
}

}  // namespace meridian::metering
