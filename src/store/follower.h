// An immutable snapshot of some rows that follows the change feed. Readers take the pointer; nobody on the data path meets SQL.
#pragma once
#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/async.h"
#include "base/log.h"
#include "base/snapshot.h"
#include "store/store.h"

namespace meridian::store {

template <class T>
class Follower {
public:
    using Build = std::function<T(Tx&)>;
    Follower(Store& store, std::vector<std::string> topics, Build build)
        : core_(std::make_shared<Core>(store, std::move(build))), topics_(std::move(topics)) {}
    Follower(const Follower&) = delete;
    Follower& operator=(const Follower&) = delete;
    // Waits for a refresh that is running; later ones find it closed.
    ~Follower() {
        token_.reset();
        core_->close();
    }

    [[nodiscard]] std::shared_ptr<const T> now() const { return core_->value.current(); }
    // Blocking. After it, now() has at least what was committed before the call.
    void refresh() { core_->refresh(); }
    void follow(Executor executor) {
        token_ = core_->store.feed().listen(std::move(executor), topics_, [core = core_](Revision) {
            if (core->queued.exchange(true)) return;  // that one has not begun to read yet
            core->store.pool().post([core] { core->refresh_or_log(); });
        });
    }

private:
    struct Core {
        Core(Store& s, Build b) : store(s), build(std::move(b)) {}
        void refresh() {
            const std::lock_guard lock(turn);  // so that an older read never replaces a newer one
            if (closed) return;
            queued = false;
            value.publish(std::make_shared<const T>(store.read_now(build)));
        }
        void refresh_or_log() {
            try {
                refresh();
            } catch (const std::exception& e) {  // the old snapshot stays until the next change
                log::error("snapshot", "cannot be read anew: {}", e.what());
            }
        }
        void close() {
            const std::lock_guard lock(turn);
            closed = true;
        }
        Store& store;
        Build build;
        std::mutex turn;
        bool closed = false;
        std::atomic<bool> queued = false;
        Snapshot<T> value;
    };
    // Shared with refreshes that wait in the pool and may run after we are gone.
    std::shared_ptr<Core> core_;
    std::vector<std::string> topics_;
    std::shared_ptr<void> token_;
};

}  // namespace meridian::store
