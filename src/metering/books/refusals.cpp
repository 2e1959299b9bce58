#include "metering/books/refusals.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <iterator>

#include "base/derived_id.h"
#include "base/log.h"
#include "http/origin.h"

namespace meridian::metering {
namespace {

constexpr std::size_t resource_max = 100;

// What would have changed something. To run a model is a use; of quantum computers the uses are changes of sessions, jobs and processes.
bool is_change(const http::Request& request, const http::Permission& may) {
    if (request.method == "GET" || request.method == "HEAD" || may.action == "read") return false;
    return may.action != "invoke" || may.scope == "quantum";
}

// The things are called as in the events of changes that were made.
std::string type_of(const http::Permission& may) { return may.scope == "keys" ? "api_keys" : may.scope; }

// The last thing that the path names: what it was about, where it is about one. Bytes of a stranger's, so only those that print.
std::string resource_of(const http::Request& request) {
    std::string made;
    for (const auto& [name, value] : request.params)
        if (name != "region" && name != "zone") made = value.substr(0, resource_max);
    std::ranges::replace_if(made, [](char c) { return c < ' ' || c > '~'; }, '?');
    return made;
}

AdminEvent event_of(const identity::Caller& by, const http::Request& request, const http::Route& route) {
    const auto origin = http::origin_of(request, route.doc.id, route.doc.tag);
    AdminEvent made;
    made.organization = by.organization;
    if (by.reach.projects().size() == 1) made.project = by.reach.projects().front();
    if (!by.principal.is_nil()) made.principal = by.principal;
    made.api_key = by.access_key;
    made.operation = origin.operation;
    made.product = origin.product;
    made.address = origin.address;
    made.user_agent = origin.user_agent;
    made.request = origin.request_id;
    made.resource_type = type_of(route.may);
    made.resource = resource_of(request);
    made.is_refused = true;
    return made;
}

}  // namespace

bool RefusalTally::tells(const AdminEvent& refused, Steady now, bool has_room) {
    Key key{refused.organization, refused.principal.value_or(PrincipalId())};
    if (windows_.size() >= limits::refusal_principals && !windows_.contains(key)) key.second = PrincipalId();
    const auto [at, is_new] = windows_.try_emplace(key);
    auto& window = at->second;
    if (is_new) window.begins = now;
    if (has_room && window.told < limits::refusals_told) {
        ++window.told;
        return true;
    }
    if (window.more++ == 0) window.first_more = refused.at;
    window.last = refused;
    if (key.second.is_nil()) window.last.principal.reset(), window.last.api_key.clear();
    return false;
}

// The id follows from what it says, so that it is the same event however often it is written.
AdminEvent RefusalTally::sum_of(const Window& window) {
    auto made = window.last;
    made.id = EventId(derived_uuid(made.id.str() + "\nmore"));
    made.operation.clear(), made.product.clear(), made.user_agent.clear(), made.request.clear(), made.resource.clear();
    made.resource_type = "calls";
    made.details = JsonObject{{"more", window.more}, {"from", rfc3339(window.first_more)}, {"to", rfc3339(window.last.at)}};
    return made;
}

std::vector<AdminEvent> RefusalTally::over(Steady now) {
    std::vector<AdminEvent> made;
    std::erase_if(windows_, [&](const auto& each) {
        const auto& window = each.second;
        if (now < window.begins + limits::refusal_window) return false;
        if (window.more > 0) made.push_back(sum_of(window));
        return true;
    });
    return made;
}

std::vector<AdminEvent> RefusalTally::all() { return over(Steady::max()); }

void Refusals::take(const http::Principal& by, const http::Request& request, const http::Route& route) {
    const auto* caller = dynamic_cast<const identity::Caller*>(&by);
    if (!caller || caller->organization.is_nil() || !is_change(request, route.may)) return;
    auto event = event_of(*caller, request, route);
    event.at = clock_.now();
    event.id = EventId::random(rng_);
    const std::lock_guard lock(mutex_);
    if (!tally_.tells(event, clock_.steady(), waiting_.size() < limits::refusals_waiting)) return;
    waiting_.push_back(std::move(event));
    if (wake_) wake_->notify();
}

Task<> Refusals::run() {
    const auto wake = std::make_shared<Event>(co_await asio::this_coro::executor);
    {
        const std::lock_guard lock(mutex_);
        wake_ = wake;
    }
    for (;;) {
        co_await on(pool_, [this] { write(); });
        co_await wake->wait(clock_, limits::refusal_window);
    }
}

Task<> Refusals::end() {
    {
        const std::lock_guard lock(mutex_);
        std::ranges::move(tally_.all(), std::back_inserter(waiting_));
    }
    co_await on(pool_, [this] { write(); });
}

void Refusals::write() {
    std::vector<AdminEvent> all;
    {
        const std::lock_guard lock(mutex_);
        std::ranges::move(tally_.over(clock_.steady()), std::back_inserter(waiting_));
        all.swap(waiting_);
    }
    std::string failure;
    auto next = all.begin();
    try {
        for (; next != all.end(); ++next) meter_.log_event(*next);
    } catch (const Error& e) {
        failure = fmt::format("{} ({})", e.said, e.logged);
    }
    const std::lock_guard lock(mutex_);
    if (failure != last_failure_ && !failure.empty())
        log::error("metering", "refused calls wait, for the log cannot take them: {}", failure);
    last_failure_ = failure;
    waiting_.insert(waiting_.begin(), std::make_move_iterator(next), std::make_move_iterator(all.end()));
}

}  // namespace meridian::metering
