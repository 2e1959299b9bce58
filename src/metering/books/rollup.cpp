#include "metering/books/rollup.h"

#include <functional>
#include <limits>

#include "metering/leaf.h"

namespace meridian::metering {
namespace {

constexpr Quantity all_quantities[] = {
    {"input_tokens", &Usage::input_tokens, true},
    {"output_tokens", &Usage::output_tokens, true},
    {"cached_tokens", &Usage::cached_tokens, true},
    {"milliseconds", &Usage::milliseconds, false},
    {"shots", &Usage::shots, false},
    {"circuits", &Usage::circuits, false},
};
static_assert(std::size(all_quantities) == quantity_count);

std::int64_t added(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
std::int64_t taken(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

template <class Op>
void each_with(Totals& into, const Totals& other, Op op) {
    into.runs = op(into.runs, other.runs);
    into.runs_without_energy = op(into.runs_without_energy, other.runs_without_energy);
    into.energy = Millijoules(op(into.energy.count(), other.energy.count()));
    into.cost = Money::nanos(op(into.cost.count(), other.cost.count()));
    for (std::size_t i = 0; i < quantity_count; ++i) into.used[i] = op(into.used[i], other.used[i]);
}

Totals totals_of(const LeafFacts& facts) {
    Totals made;
    made.runs = 1;
    made.runs_without_energy = facts.usage.energy ? 0 : 1;
    made.energy = facts.usage.energy.value_or(Millijoules());
    made.cost = facts.cost;
    for (std::size_t i = 0; i < quantity_count; ++i)
        if (all_quantities[i].is_of_tokens == is_by_token(facts.kind)) made.used[i] = facts.usage.*all_quantities[i].member;
    return made;
}

constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();

}  // namespace

const std::array<Quantity, quantity_count>& quantities() {
    static constexpr auto made = std::to_array(all_quantities);
    return made;
}

Totals& Totals::operator+=(const Totals& other) {
    each_with(*this, other, added);
    return *this;
}
Totals& Totals::operator-=(const Totals& other) {
    each_with(*this, other, taken);
    return *this;
}

struct Rollup::Series {
    OrganizationId organization;
    ProjectId project;
    PrincipalId principal;
    std::string api_key;
    Kind kind;
    std::string model;
    Timeline<Totals> totals;
    std::vector<Account*> accounts;  // every scope it counts for

    [[nodiscard]] Key key() const { return {organization, project, principal, api_key, kind, model}; }
    [[nodiscard]] UsageRow row(std::size_t period, const Totals& sums) const {
        return {organization, project, principal, api_key, kind, model, period, sums};
    }
};

std::size_t Rollup::KeyHash::operator()(const Key& key) const noexcept {
    std::size_t made = std::hash<std::string_view>()(key.model) + static_cast<std::size_t>(key.kind);
    for (const auto more : {std::hash<ProjectId>()(key.project), std::hash<PrincipalId>()(key.principal),
                            std::hash<OrganizationId>()(key.organization), std::hash<std::string_view>()(key.api_key)})
        made = (made ^ more) * 0x9E3779B97F4A7C15ull;
    return made ^ made >> 32;
}

Rollup::Rollup() : shards_(shard_count) {}
Rollup::~Rollup() = default;

Rollup::Series& Rollup::series_of(const LeafFacts& facts) {
    const Key key{facts.organization, facts.project, facts.principal, facts.api_key, facts.kind, facts.model};
    auto& shard = shards_[KeyHash()(key) >> 8 & (shard_count - 1)];
    if (const auto found = shard.find(key); found != shard.end()) return *found->second;
    auto made = std::make_unique<Series>();
    made->organization = facts.organization;
    made->project = facts.project;
    made->principal = facts.principal;
    made->api_key = facts.api_key;
    made->kind = facts.kind;
    made->model = facts.model;
    made->accounts = {&organizations_[facts.organization], &projects_[facts.project], &principals_[facts.principal]};
    if (!facts.api_key.empty()) made->accounts.push_back(&access_keys_[facts.api_key]);
    for (auto* account : made->accounts) account->series.push_back(made.get());
    auto& series = *made;
    shard.emplace(series.key(), std::move(made));
    return series;
}

void Rollup::add(const LeafFacts& facts) {
    const auto quarter = quarter_of(facts.started_at);
    const auto totals = totals_of(facts);
    const std::lock_guard lock(mutex_);
    auto& series = series_of(facts);
    series.totals.add(quarter, totals);
    for (auto* account : series.accounts) account->cost.add(quarter, {static_cast<std::uint64_t>(facts.cost.count())});
    all_costs_ += facts.cost.count();
}

const Rollup::Account* Rollup::account_of(const Scope& scope) const {
    const auto in = [](const auto& accounts, const auto& id) -> const Account* {
        const auto found = accounts.find(id);
        return found == accounts.end() ? nullptr : &found->second;
    };
    return std::visit(
        [&](const auto& id) {
            using Of = std::decay_t<decltype(id)>;
            if constexpr (std::same_as<Of, OrganizationId>) return in(organizations_, id);
            if constexpr (std::same_as<Of, ProjectId>) return in(projects_, id);
            if constexpr (std::same_as<Of, PrincipalId>) return in(principals_, id);
            if constexpr (std::same_as<Of, AccessKey>) return in(access_keys_, id.text);
        },
        scope);
}

Money Rollup::spent(const Scope& scope, Timestamp from, Timestamp to) const {
    const std::lock_guard lock(mutex_);
    const auto* account = account_of(scope);
    if (!account) return {};
    if (all_costs_ > most) return Money::nanos(most);
    return Money::nanos(static_cast<std::int64_t>(account->cost.between(quarter_of(from), quarter_from(to)).count));
}

std::optional<Timestamp> Rollup::first_run(const Scope& scope) const {
    const std::lock_guard lock(mutex_);
    const auto* account = account_of(scope);
    const auto first = account ? account->cost.first() : std::nullopt;
    return first ? std::optional(Timestamp(quarter_length * *first)) : std::nullopt;
}

std::vector<UsageRow> Rollup::usage(const UsageQuery& query) const {
    std::vector<UsageRow> rows;
    const Account* account = nullptr;
    {
        const std::lock_guard lock(mutex_);
        account = account_of(query.scope);
    }
    std::vector<Quarter> edges;
    for (const auto edge : query.edges) edges.push_back(edges.empty() ? quarter_of(edge) : quarter_from(edge));
    for (std::size_t i = 0; account; ++i) {
        const Series* series = nullptr;
        {
            const std::lock_guard lock(mutex_);
            if (i < account->series.size()) series = account->series[i];
        }
        if (!series) break;  // accounts and series are never removed
        for (std::size_t period = 0; period + 1 < edges.size(); ++period) {
            Totals sums;
            bool is_full = false;
            {
                const std::lock_guard lock(mutex_);
                sums = series->totals.between(edges[period], edges[period + 1]);
                is_full = all_costs_ > most;
            }
            if (is_full) sums.cost = Money::nanos(most);
            if (sums.runs != 0) rows.push_back(series->row(period, sums));
        }
    }
    return rows;
}

}  // namespace meridian::metering
