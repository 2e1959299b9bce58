#include "metering/limits/service.h"

#include <fmt/format.h>

#include "base/log.h"
#include "http/typed.h"
#include "metering/budget/scope.h"
#include "resource/sql_bind.h"

namespace meridian::metering {

constexpr auto schema_name(As<RateLimit>) { return std::string_view("RateLimit"); }
constexpr auto describe(As<RateLimit>) {
    using T = RateLimit;
    return fields(field("id", &T::id), field("organization_id", &T::organization, column("organization")), field("scope", &T::scope),
                  field("scope_id", &T::scope_id), field("requests_per_minute", &T::requests_per_minute),
                  field("tokens_per_minute", &T::tokens_per_minute), field("created_at", &T::created_at),
                  field("updated_at", &T::updated_at));
}

namespace {

constexpr std::string_view table_name = "rate_limits", topic = "rate_limits";
constexpr std::int64_t limits_max = 1000;  // of one organization
constexpr std::uint64_t tokens_limit_max = std::uint64_t{1} << 40;
constexpr std::uint32_t requests_limit_max = 10'000'000;

std::vector<RateLimit> read(store::Tx& tx, const OrganizationId* organization) {
    std::vector<RateLimit> made;
    const auto rows = organization
                          ? tx.query(select_sql<RateLimit>(table_name, "where organization = $1 order by created_at, id"), *organization)
                          : tx.query(select_sql<RateLimit>(table_name));
    for (const auto& row : rows) made.push_back(from_row<RateLimit>(row));
    return made;
}

bool may_see(const identity::Caller& by, const RateLimit& limit) {
    return limit.organization == by.organization &&
           (by.reach.is_everywhere() || (limit.scope == ScopeKind::project && by.may_see(project_named(limit.scope_id))));
}

// Numbers of 0 are no limits.
struct CreateRateLimit {
    ScopeKind scope = ScopeKind::organization;
    std::string scope_id;
    std::uint32_t requests_per_minute = 0;
    std::uint64_t tokens_per_minute = 0;
};
constexpr auto schema_name(As<CreateRateLimit>) { return std::string_view("CreateRateLimitRequest"); }
constexpr auto describe(As<CreateRateLimit>) {
    using T = CreateRateLimit;
    return fields(field("scope", &T::scope, defaulted), field("scope_id", &T::scope_id, defaulted, length{0, 64}),
                  field("requests_per_minute", &T::requests_per_minute, defaulted, range{0, std::int64_t{requests_limit_max}}),
                  field("tokens_per_minute", &T::tokens_per_minute, defaulted, range{0, std::int64_t{tokens_limit_max}}));
}

using RateLimitList = http::Listed<"rate_limits", RateLimit>;

Task<RateLimitList> list_limits(RateLimits& limits, http::Call<> call) {
    const auto page = call.page();
    co_return RateLimitList(page_of(co_await limits.list(call.caller_as<identity::Caller>()), page));
}

Task<http::Created<RateLimit>> create_limit(RateLimits& limits, http::Call<CreateRateLimit> call) {
    RateLimit wish;
    wish.scope = call.in.scope;
    wish.scope_id = std::move(call.in.scope_id);
    wish.requests_per_minute = call.in.requests_per_minute;
    wish.tokens_per_minute = call.in.tokens_per_minute;
    co_return http::Created<RateLimit>{co_await limits.create(call.caller_as<identity::Caller>(), std::move(wish))};
}

Task<http::NoContent> delete_limit(RateLimits& limits, http::Call<> call) {
    co_await limits.remove(call.caller_as<identity::Caller>(), http::id_param<RateLimitId>(call, "rate_limit_id"));
    co_return http::NoContent{};
}

}  // namespace

void RateLimits::know() {
    limiter_.know(store_.read_now([](store::Tx& tx) { return read(tx, nullptr); }));
}

void RateLimits::follow(Executor executor) {
    token_ = store_.feed().listen(std::move(executor), {std::string(topic)}, [this](store::Revision) {
        store_.pool().post([this] {
            try {
                know();
            } catch (const Error& e) {
                log::error("metering", "rate limits cannot be read anew: {} {}", e.said, e.logged);
            }
        });
    });
}

Task<RateLimit> RateLimits::create(identity::Caller by, RateLimit wish) {
    if (wish.requests_per_minute == 0 && wish.tokens_per_minute == 0)
        throw invalid("requests_per_minute", FieldProblem::Reason::required, "give requests_per_minute or tokens_per_minute");
    wish.id = RateLimitId::random(rng_);
    wish.organization = by.organization;
    wish.scope_id = co_await known_scope(identity_, by, wish.scope, std::move(wish.scope_id));
    wish.created_at = wish.updated_at = clock_.now();
    co_await store_.write(identity::author_of(by), [&](store::Tx& tx) {
        const auto count = tx.query("select count(*) as n from rate_limits where organization = $1", by.organization).at(0);
        if (count.get<std::int64_t>("n") >= limits_max)
            throw Error(Fault::quota, fmt::format("An organization has at most {} rate limits. Remove one first.", limits_max))
                .about("rate_limits", "");
        std::apply([&](const auto&... each) { tx.run(insert_sql<RateLimit>(table_name), each...); }, sql_values(wish));
        tx.changed(topic, wish.id.str());
    });
    co_await on(store_.pool(), [this] { know(); });
    co_return wish;
}

Task<> RateLimits::remove(identity::Caller by, RateLimitId id) {
    co_await store_.write(identity::author_of(by), [&](store::Tx& tx) {
        const auto found = tx.query(select_sql<RateLimit>(table_name, "where id = $1"), id);
        if (found.empty() || !may_see(by, from_row<RateLimit>(found.front())))
            throw Error(Fault::not_found, "There is no such rate limit.").about("rate_limit", id.str());
        tx.run("delete from rate_limits where id = $1", id);
        tx.changed(topic, id.str());
    });
    co_await on(store_.pool(), [this] { know(); });
}

Task<std::vector<RateLimit>> RateLimits::list(identity::Caller by) {
    return store_.read([by = std::move(by)](store::Tx& tx) {
        auto all = read(tx, &by.organization);
        std::erase_if(all, [&](const RateLimit& limit) { return !may_see(by, limit); });
        return all;
    });
}

void add_rate_limit_routes(http::Router& router, RateLimits& limits) {
    using http::Call;
    using http::doc;
    using http::typed;
    const auto dialect = http::Dialect::meridian;
    const std::string all = "/meridian/v1/rate-limits";
    const auto may = [](std::string action) { return http::Permission(std::move(action), "budgets"); };
    router.add(typed<http::Nothing, RateLimitList>("GET", all, may("read"), dialect, doc("ListRateLimits", "List rate limits", "budgets"),
                                                   [&limits](Call<> call) { return list_limits(limits, std::move(call)); }));
    router.add(typed<CreateRateLimit, http::Created<RateLimit>>(
        "POST", all, may("create"), dialect, doc("CreateRateLimit", "Limit requests or tokens a minute", "budgets"),
        [&limits](Call<CreateRateLimit> call) { return create_limit(limits, std::move(call)); }));
    router.add(typed<http::Nothing, http::NoContent>("DELETE", all + "/{rate_limit_id}", may("remove"), dialect,
                                                     doc("DeleteRateLimit", "Remove a rate limit", "budgets"),
                                                     [&limits](Call<> call) { return delete_limit(limits, std::move(call)); }));
}

}  // namespace meridian::metering
