#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/log.h"
#include "base/real/real.h"

namespace meridian::real {

struct ThreadPool::State {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::move_only_function<void()>> jobs;
    bool ending = false;
    std::vector<std::jthread> threads;

    void work() {
        for (;;) {
            std::unique_lock lock(mutex);
            changed.wait(lock, [&] { return ending || !jobs.empty(); });
            if (jobs.empty()) return;
            auto job = std::move(jobs.front());
            jobs.pop_front();
            lock.unlock();
            try {
                job();
            } catch (const std::exception& e) {  // on() carries exceptions home; only a job posted bare gets here
                log::error("pool", "a job failed: {}", e.what());
            }
        }
    }
};

ThreadPool::ThreadPool(std::size_t threads) : state_(std::make_unique<State>()) {
    MERIDIAN_ASSERT(threads > 0);
    for (; threads > 0; --threads) state_->threads.emplace_back([state = state_.get()] { state->work(); });
}

ThreadPool::~ThreadPool() {
    {
        const std::scoped_lock lock(state_->mutex);
        state_->ending = true;
    }
    state_->changed.notify_all();
    state_->threads.clear();
}

void ThreadPool::post(std::move_only_function<void()> job) {
    {
        const std::scoped_lock lock(state_->mutex);
        MERIDIAN_ASSERT(!state_->ending);
        state_->jobs.push_back(std::move(job));
    }
    state_->changed.notify_one();
}

namespace {

struct Loop {
    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    std::jthread thread;

    void run() {
        for (;;) {
            try {
                context.run();
                return;
            } catch (const std::exception& e) {  // the last stop: one broken handler must not end the others
                log::error("loop", "a handler failed: {}", e.what());
            }
        }
    }
};

}  // namespace

struct Loops::State {
    std::vector<std::unique_ptr<Loop>> loops;
};

Loops::Loops(std::size_t count) : state_(std::make_unique<State>()) {
    MERIDIAN_ASSERT(count > 0);
    for (; count > 0; --count) state_->loops.push_back(std::make_unique<Loop>());
}
Loops::~Loops() { stop(); }

std::size_t Loops::size() const { return state_->loops.size(); }
Executor Loops::executor(std::size_t index) const { return state_->loops.at(index)->context.get_executor(); }

void Loops::start() {
    for (auto& loop : state_->loops)
        if (!loop->thread.joinable()) loop->thread = std::jthread([l = loop.get()] { l->run(); });
}

void Loops::stop() {
    for (auto& loop : state_->loops) loop->context.stop();
    for (auto& loop : state_->loops)
        if (loop->thread.joinable()) loop->thread.join();
}

void Loops::wait(Executor executor, Task<> task) {
    // Shared, because the loop may still be inside set_value() when this thread goes on.
    const auto ended = std::make_shared<std::promise<void>>();
    auto outcome = ended->get_future();
    asio::co_spawn(executor, std::move(task), [ended](const std::exception_ptr& error) {
        if (error)
            ended->set_exception(error);
        else
            ended->set_value();
    });
    outcome.get();
}

}  // namespace meridian::real
