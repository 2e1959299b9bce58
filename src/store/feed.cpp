#include "store/feed.h"

#include <algorithm>
#include <atomic>

#include "base/log.h"

namespace meridian::store {

// Shared by the token, the feed's list and a posted wake: whichever comes last ends it.
struct Feed::Listener {
    Executor executor;
    std::vector<std::string> topics;
    std::function<void(Revision)> wake;
    std::atomic<Revision> newest = 0;
    std::atomic<bool> is_posted = false;

    // Held while `wake` runs, so that a token that died on another thread means "never again". Recursive, because a listener may
    // drop its own token.
    std::recursive_mutex running;
    bool is_over = false;
    Revision told = 0;

    void tell() {
        is_posted = false;  // before reading `newest`: a commit from here on posts again
        const Revision revision = newest;
        const std::lock_guard lock(running);
        if (is_over || revision <= told) return;
        told = revision;
        try {
            wake(revision);
        } catch (const std::exception& e) {  // ends here: the executor belongs to others
            log::error("store", "a listener of the change feed failed at revision {}: {}", revision, e.what());
        }
    }
};

std::shared_ptr<void> Feed::listen(Executor executor, std::vector<std::string> topics, std::function<void(Revision)> wake) {
    auto listener = std::make_shared<Listener>();
    listener->executor = std::move(executor);
    listener->topics = std::move(topics);
    listener->wake = std::move(wake);
    {
        const std::lock_guard lock(mutex_);
        std::erase_if(listeners_, [](const auto& l) { return l.expired(); });
        listeners_.push_back(listener);
    }
    Listener* raw = listener.get();
    return {raw, [listener = std::move(listener)](void*) {
                const std::lock_guard lock(listener->running);
                listener->is_over = true;
            }};
}

void Feed::committed(Revision revision, const std::set<std::string, std::less<>>& topics) {
    const std::lock_guard lock(mutex_);
    for (const auto& weak : listeners_) {
        const auto listener = weak.lock();
        if (!listener) continue;
        const auto& wanted = listener->topics;
        if (!wanted.empty() && std::ranges::none_of(wanted, [&](const auto& topic) { return topics.contains(topic); })) continue;
        post(listener, revision);
    }
}

void Feed::committed_unknown(Revision revision) {
    const std::lock_guard lock(mutex_);
    for (const auto& weak : listeners_)
        if (const auto listener = weak.lock()) post(listener, revision);
}

void Feed::post(const std::shared_ptr<Listener>& listener, Revision revision) {
    listener->newest = std::max<Revision>(listener->newest, revision);
    if (!listener->is_posted.exchange(true)) asio::post(listener->executor, [listener] { listener->tell(); });
}

}  // namespace meridian::store
