// Content and the rows that promise it. Content is written first and removed last or not at all: a row without its content would be a
// promise broken, content without a row is only bytes, which `clear_orphans` finds.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "base/async.h"
#include "base/error.h"
#include "quantum/service/store.h"
#include "store/blobs.h"
#include "store/store.h"

namespace meridian::quantum::service {

// How much projects may keep, and for how long.
struct Keeping {
    std::uint64_t project_bytes = limits::content_per_project, zone_bytes = limits::content_per_zone;
    Duration retention = limits::retention;
};
// Why `bytes` more are too many; with none, why nothing more is taken.
std::optional<std::string> too_much(store::Tx& tx, const Keeping& keeping, std::string_view zone, const ProjectId& project,
                                    std::uint64_t bytes);
// The same as a refusal.
void check_content(store::Tx& tx, const Keeping& keeping, std::string_view zone, const ProjectId& project, std::uint64_t bytes);

class Contents {
public:
    Contents(store::Store& store, store::ContentStore& content, Pool& files) : store_(store), content_(content), files_(files) {}

    // Content with the row that `insert` writes. What was refused leaves nothing.
    template <class F>
    auto put(store::ContentHandle key, std::string name, std::string text, F insert) -> Task<std::invoke_result_t<F&, store::Tx&>> {
        const auto arriving = arrive(name);
        co_await on(files_, [this, &key, &name, &text] { content_.put(key, name, text); });
        std::optional<Error> refused;
        try {
            co_return co_await store_.write(std::move(insert));
        } catch (const Error& error) {
            refused = error;
        }
        co_await take_back(std::move(key), std::move(name), *refused);
        throw *std::move(refused);
    }

    // Removes what a crash has left without a row: in the middle of a `put`, or where rows go before their content. Ends early when told.
    Task<> clear_orphans(std::string zone, const bool& is_stopping);

private:
    std::shared_ptr<void> arrive(const std::string& name);
    [[nodiscard]] bool is_arriving(const std::string& name) const;
    Task<> take_back(store::ContentHandle key, std::string name, Error why);

    store::Store& store_;
    store::ContentStore& content_;
    Pool& files_;
    mutable std::mutex mutex_;
    std::map<std::string, int> arriving_;  // written, and not yet promised by a row
};

namespace limits {
inline constexpr std::size_t orphans_at_once = 500;  // names that are compared with rows in one transaction
}

}  // namespace meridian::quantum::service
