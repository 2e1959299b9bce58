#include "identity/known.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "base/log.h"

namespace meridian::identity {
namespace {

constexpr std::size_t known_max = 250'000;   // then all are forgotten, and those in use read again
constexpr std::size_t nothing_max = 10'000;  // the same for secrets that open nothing, which anybody can send
constexpr int learning_max = 4'096;          // of those that wait to be read at once
constexpr std::size_t changes_at_once = 1'000;
constexpr std::size_t shards = 64;  // so that loops seldom meet

// The digest is spread evenly already.
struct FirstBytes {
    std::size_t operator()(const Sha256& digest) const {
        std::size_t value;
        std::memcpy(&value, digest.data(), sizeof value);
        return value;
    }
};

struct Shard {
    mutable std::shared_mutex mutex;
    std::unordered_map<Sha256, std::shared_ptr<const Known>, FirstBytes> entries;
};

const std::vector<std::string> topics = {"api_keys", "sessions", "users", "applications", "groups", "policies"};

// Whom a changed policy or group is for now. Whom it was for before depends on it already.
std::vector<std::string> also_changed(store::Tx& tx, const store::Change& change) {
    std::vector<std::string> made;
    if (change.topic == "policies")
        for (const auto& row : tx.query("select coalesce(principal_id, group_id) as id from policies where id = $1", change.key))
            if (!row.is_null("id")) made.push_back(row.get<std::string>("id"));
    if (change.topic == "groups")
        for (const auto& row : tx.query("select principal_id as id from group_members where group_id = $1", change.key))
            made.push_back(row.get<std::string>("id"));
    return made;
}

}  // namespace

struct KnownSecrets::Core {
    Core(store::Store& s, Reader r) : store(s), reader(std::move(r)) {}

    const Shard& shard_of(const Sha256& digest) const { return shards_[digest.back() % shards]; }
    Shard& shard_of(const Sha256& digest) { return shards_[digest.back() % shards]; }

    // What was read while something changed may be from before that: it is not kept, and will be read again.
    void read(const Sha256& digest) {
        const auto before = changes_seen.load();
        const auto found = store.read_now([&](store::Tx& tx) { return reader(tx, digest); });
        const std::lock_guard lock(turn);
        if (changes_seen != before) return;
        if (depends_on.size() >= known_max || nothings >= nothing_max) forget_all();
        for (const auto& id : found.depends_on) dependents[id].insert(digest);
        if (found.known)
            depends_on.insert_or_assign(digest, found.depends_on);
        else
            ++nothings;
        auto& shard = shard_of(digest);
        const std::lock_guard inner(shard.mutex);
        shard.entries.insert_or_assign(digest, found.known);
    }

    void refresh() {
        const std::lock_guard lock(turn);
        if (closed) return;
        queued = false;
        for (;;) {
            const auto changes = changes_after();
            if (!changes) return;
            ++changes_seen;
            store.read_now([&](store::Tx& tx) {
                for (const auto& change : *changes) {
                    if (std::ranges::find(topics, change.topic) == topics.end()) continue;
                    forget(change.key);
                    for (const auto& id : also_changed(tx, change)) forget(id);
                }
            });
            newest = changes->back().revision;
        }
    }
    void refresh_or_log() {
        try {
            refresh();
        } catch (const std::exception& e) {  // the next change brings this one along
            log::error("identity", "changes of keys cannot be read: {}", e.what());
        }
    }
    void close() {
        const std::lock_guard lock(turn);
        closed = true;
    }

    store::Store& store;
    Reader reader;
    std::mutex turn;  // of whoever changes anything below
    bool closed = false;
    std::atomic<store::Revision> newest = 0;
    std::atomic<bool> queued = false;
    std::atomic<std::uint64_t> changes_seen = 0;
    std::atomic<int> learning = 0;

private:
    std::optional<std::vector<store::Change>> changes_after() {
        try {
            auto changes = store.changes_since(newest, changes_at_once);
            return changes.empty() ? std::nullopt : std::optional(std::move(changes));
        } catch (const Error& e) {
            if (e.fault != Fault::gone) throw;
            ++changes_seen;
            forget_all();
            newest = store.read_now([](store::Tx& tx) {
                return tx.query("select max(revision) as newest from revisions").front().get<std::int64_t>("newest");
            });
            return std::nullopt;
        }
    }
    void forget(const std::string& id) {
        const auto found = dependents.find(id);
        if (found == dependents.end()) return;
        const auto doomed = std::move(found->second);
        dependents.erase(found);
        for (const auto& digest : doomed) {
            const auto entry = depends_on.find(digest);
            if (entry == depends_on.end()) continue;
            for (const auto& other : entry->second)
                if (const auto at = dependents.find(other); at != dependents.end()) {
                    at->second.erase(digest);
                    if (at->second.empty()) dependents.erase(at);
                }
            depends_on.erase(entry);
            auto& shard = shard_of(digest);
            const std::lock_guard lock(shard.mutex);
            shard.entries.erase(digest);
        }
    }
    void forget_all() {
        dependents.clear();
        depends_on.clear();
        nothings = 0;
        for (auto& shard : shards_) {
            const std::lock_guard lock(shard.mutex);
            shard.entries.clear();
        }
    }

    std::array<Shard, shards> shards_;
    std::unordered_map<Sha256, std::vector<std::string>, FirstBytes> depends_on;
    std::unordered_map<std::string, std::unordered_set<Sha256, FirstBytes>> dependents;
    std::size_t nothings = 0;
};

KnownSecrets::KnownSecrets(store::Store& store, Reader reader) : core_(std::make_shared<Core>(store, std::move(reader))) {}
KnownSecrets::~KnownSecrets() {
    listening_.clear();
    core_->close();
}

std::optional<std::shared_ptr<const Known>> KnownSecrets::find(const Sha256& digest) const {
    const auto& shard = std::as_const(*core_).shard_of(digest);
    const std::shared_lock lock(shard.mutex);
    const auto found = shard.entries.find(digest);
    if (found == shard.entries.end()) return std::nullopt;
    return found->second;
}

Task<> KnownSecrets::learn(Sha256 digest) {
    struct Place {
        std::shared_ptr<Core> core;
        explicit Place(std::shared_ptr<Core> c) : core(std::move(c)) { ++core->learning; }
        ~Place() { --core->learning; }
    };
    const Place place(core_);
    if (core_->learning > learning_max) throw Error(Fault::busy, "Too many keys are being looked up. Try again in a moment.");
    co_await on(core_->store.pool(), [core = core_, digest] { core->read(digest); });
}

void KnownSecrets::begin(store::Revision newest) { core_->newest = newest; }
void KnownSecrets::refresh() { core_->refresh(); }

void KnownSecrets::follow(Executor executor) {
    const auto hear = [core = core_] {
        if (core->queued.exchange(true)) return;  // that one has not begun to read yet
        core->store.pool().post([core] { core->refresh_or_log(); });
    };
    listening_.push_back(core_->store.feed().listen(executor, topics, [hear](store::Revision) { hear(); }));
    // What others change is read over now and then, so that there is never much to read before a change of ours.
    listening_.push_back(core_->store.feed().listen(std::move(executor), {}, [hear, core = core_](store::Revision revision) {
        if (revision > core->newest + static_cast<store::Revision>(changes_at_once)) hear();
    }));
}

}  // namespace meridian::identity
