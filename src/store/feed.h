// Wakes those who work from the rows, after commit. A listener is woken once for any number of commits it has not seen yet.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "store/store.h"

namespace meridian::store {

class Feed final : public ChangeFeed {
public:
    std::shared_ptr<void> listen(Executor executor, std::vector<std::string> topics, std::function<void(Revision)> wake) override;
    // Nobody is told of an older revision after a newer one, whatever the order of the calls.
    void committed(Revision revision, const std::set<std::string, std::less<>>& topics);
    // It is not known what changed: everybody is woken.
    void committed_unknown(Revision revision);

private:
    struct Listener;
    static void post(const std::shared_ptr<Listener>& listener, Revision revision);
    std::mutex mutex_;  // held for moments only, never while a listener runs
    std::vector<std::weak_ptr<Listener>> listeners_;
};

}  // namespace meridian::store
