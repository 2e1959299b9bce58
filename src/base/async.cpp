#include "base/async.h"

#include <atomic>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <list>

#include "base/error.h"
#include "base/log.h"

namespace meridian {

// Who owns whom: a suspended coroutine is owned by what it waits for (a sleep, a socket), never by a TaskGroup or an Event, whose
// states hold weak pointers. So a loop that is destroyed takes every coroutine of its with it, and no circle keeps one alive.

namespace {

struct Spawned {
    asio::cancellation_signal cancel;
    std::vector<asio::any_completion_handler<void()>> joining;
};

// A task starts from the loop and not inside spawn(), where its spawner may be in the middle of something.
Task<> from_the_loop(Task<> task) {
    co_await asio::post(asio::use_awaitable);
    co_await std::move(task);
}

bool is_cancellation(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const boost::system::system_error& e) {
        return e.code() == asio::error::operation_aborted;
    } catch (...) {  // looked at, not swallowed: the caller still has it
        return false;
    }
}

void log_failure(const std::string& name, const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const Error& e) {
        log::error("task", "{} failed: {}; {}", name, e.said, e.logged);
    } catch (const std::exception& e) {
        log::error("task", "{} failed: {}", name, e.what());
    } catch (...) {  // the last stop of a task
        log::error("task", "{} failed with something that is no exception", name);
    }
}

}  // namespace

struct TaskGroup::State {
    Executor executor;
    std::list<std::weak_ptr<Spawned>> tasks;
    bool cancelled = false;

    void ended(std::list<std::weak_ptr<Spawned>>::iterator place, Spawned& task, const std::string& name, const std::exception_ptr& error) {
        tasks.erase(place);
        if (error && !(cancelled && is_cancellation(error))) log_failure(name, error);
        for (auto& joiner : task.joining) asio::post(executor, std::move(joiner));
    }
    void cancel_all() {
        cancelled = true;
        // Held by value: a task may end, and leave the list, while it is being told.
        for (const auto& each : std::vector(tasks.begin(), tasks.end()))
            if (const auto task = each.lock()) task->cancel.emit(asio::cancellation_type::all);
    }
};

TaskGroup::TaskGroup(Executor executor) : state_(std::make_shared<State>(State{std::move(executor), {}, false})) {}

TaskGroup::~TaskGroup() {
    // While an exception passes, it is the news; the tasks go down with their loop.
    MERIDIAN_ASSERT(state_->tasks.empty() || std::uncaught_exceptions() > 0);
}

void TaskGroup::spawn(std::string name, Task<> task) {
    const auto spawned = std::make_shared<Spawned>();
    const auto place = state_->tasks.insert(state_->tasks.end(), spawned);
    asio::co_spawn(state_->executor, from_the_loop(std::move(task)),
                   asio::bind_cancellation_slot(spawned->cancel.slot(),
                                                [state = state_, place, spawned, name = std::move(name)](const std::exception_ptr& error) {
                                                    state->ended(place, *spawned, name, error);
                                                }));
    if (state_->cancelled) spawned->cancel.emit(asio::cancellation_type::all);
}

void TaskGroup::cancel() {
    asio::post(state_->executor, [state = state_] { state->cancel_all(); });
}

Task<> TaskGroup::join() {
    const auto state = state_;
    // Joining is how a cancelled coroutine cleans up, so it does not stop half-way itself.
    const bool throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    while (!state->tasks.empty()) {
        // A task that was destroyed with its loop never ends; then neither does this coroutine, which goes the same way.
        co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
            [](auto handler, const std::weak_ptr<Spawned>& first) {
                if (const auto task = first.lock()) task->joining.emplace_back(std::move(handler));
            },
            asio::use_awaitable, state->tasks.front());
    }
    co_await asio::this_coro::throw_if_cancelled(throws);
}

std::size_t TaskGroup::running() const { return state_->tasks.size(); }
const Executor& TaskGroup::executor() const { return state_->executor; }

namespace {

// One coroutine that waits for an event. Owned by its sleep; lives on the event's executor.
struct Waiter {
    Executor executor;
    asio::any_completion_handler<void(boost::system::error_code, bool)> done;
    asio::cancellation_signal stop_sleeping;

    void finish(boost::system::error_code error, bool notified) {
        if (!done) return;
        asio::get_associated_cancellation_slot(done).clear();
        asio::post(executor, [d = std::move(done), error, notified]() mutable { std::move(d)(error, notified); });
        stop_sleeping.emit(asio::cancellation_type::all);
    }
};

}  // namespace

struct Event::State {
    Executor executor;
    std::atomic<bool> notified = false;
    std::atomic<bool> delivering = false;
    std::vector<std::weak_ptr<Waiter>> waiters;  // on the executor only

    void deliver() {
        delivering = false;
        bool anybody = false;
        for (const auto& each : waiters)
            if (const auto waiter = each.lock()) anybody = anybody || waiter->done;
        if (!anybody || !notified.exchange(false)) return;
        for (const auto& each : std::exchange(waiters, {}))
            if (const auto waiter = each.lock()) waiter->finish({}, true);
    }
    void wait(Clock& clock, Duration limit, asio::any_completion_handler<void(boost::system::error_code, bool)> done) {
        const auto waiter = std::make_shared<Waiter>();
        waiter->executor = executor;
        waiter->done.swap(done);  // the move assignment of Boost 1.81 calls itself without end
        if (notified.exchange(false)) return waiter->finish({}, true);
        std::erase_if(waiters, [](const auto& each) { return each.expired(); });
        waiters.push_back(waiter);
        if (auto slot = asio::get_associated_cancellation_slot(waiter->done); slot.is_connected())
            slot.assign([weak = std::weak_ptr(waiter)](asio::cancellation_type) {
                if (const auto w = weak.lock()) w->finish(asio::error::operation_aborted, false);
            });
        auto woken = [waiter](boost::system::error_code) { waiter->finish({}, false); };
        clock.async_sleep(executor, limit, asio::bind_cancellation_slot(waiter->stop_sleeping.slot(), std::move(woken)));
    }
};

Event::Event(Executor executor) : state_(std::make_shared<State>()) { state_->executor = std::move(executor); }

void Event::notify() {
    state_->notified = true;
    if (!state_->delivering.exchange(true)) asio::post(state_->executor, [state = state_] { state->deliver(); });
}

Task<bool> Event::wait(Clock& clock, Duration limit) {
    return asio::async_initiate<const asio::use_awaitable_t<>, void(boost::system::error_code, bool)>(
        [state = std::weak_ptr(state_), &clock](auto handler, Duration l) {
            const auto s = state.lock();
            MERIDIAN_ASSERT(s != nullptr);
            s->wait(clock, l, std::move(handler));
        },
        asio::use_awaitable, limit);
}

}  // namespace meridian
