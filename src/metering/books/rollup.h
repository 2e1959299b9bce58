// The sums over all receipts by quarter hour and by who ran what, in memory; added to with every receipt, also when a start reads
// them back. A question costs look-ups by the combinations and periods it spans, and nothing by the number of receipts.
//
// Locked by itself: a question holds the lock for one look-up at a time, so that no run waits for a whole one. An answer therefore
// may have a run that ended meanwhile, or not; what had ended before it was asked is in it.
#pragma once
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "metering/books/timeline.h"
#include "metering/books/usage.h"

namespace meridian::metering {

struct LeafFacts;

class Rollup {
public:
    Rollup();
    ~Rollup();
    void add(const LeafFacts& facts);

    // From the beginning of the quarter hour that has `from` to the end of the one that `to` is in.
    [[nodiscard]] Money spent(const Scope& scope, Timestamp from, Timestamp to) const;
    // The beginning of the quarter hour in which the first run began.
    [[nodiscard]] std::optional<Timestamp> first_run(const Scope& scope) const;
    // Rows without runs are left out; those of one combination follow each other, in the order of their periods.
    [[nodiscard]] std::vector<UsageRow> usage(const UsageQuery& query) const;

private:
    // What distinguishes two series; the texts belong to somebody else.
    struct Key {
        OrganizationId organization;
        ProjectId project;
        PrincipalId principal;
        std::string_view api_key;
        Kind kind;
        std::string_view model;
        bool operator==(const Key&) const = default;
    };
    struct KeyHash {
        std::size_t operator()(const Key& key) const noexcept;
    };
    struct Nanos {
        std::uint64_t count = 0;  // goes around rather than overflow
        Nanos& operator+=(Nanos other) { return count += other.count, *this; }
        Nanos& operator-=(Nanos other) { return count -= other.count, *this; }
    };
    struct Series;
    struct Account {
        Timeline<Nanos> cost;
        std::vector<const Series*> series;  // that belong to it
    };
    // Many small ones, so that growing one never holds up a run for long.
    static constexpr std::size_t shard_count = 64;
    using Shard = std::unordered_map<Key, std::unique_ptr<Series>, KeyHash>;

    Series& series_of(const LeafFacts& facts);
    [[nodiscard]] const Account* account_of(const Scope& scope) const;

    mutable std::mutex mutex_;
    std::vector<Shard> shards_;
    std::unordered_map<OrganizationId, Account> organizations_;
    std::unordered_map<ProjectId, Account> projects_;
    std::unordered_map<PrincipalId, Account> principals_;
    std::unordered_map<std::string, Account> access_keys_;
    // Of every cost there is. Past what Money holds, sums are answered with the most there is: budgets then refuse.
    __int128 all_costs_ = 0;
};

}  // namespace meridian::metering
