#include "store/postgres/server.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>

#include "base/log.h"
#include "store/postgres/connection.h"

namespace meridian::store::postgres {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t url_max = 4096;
constexpr milliseconds pause_first{100}, pause_longest{5'000};

}  // namespace

bool is_postgres_url(std::string_view url) { return url.starts_with("postgres://") || url.starts_with("postgresql://"); }

expected<Server> Server::parse(std::string_view url) {
    const auto unreadable = [] {
        return complaint(
            "The database's URL cannot be read. It looks like postgres://user@host:5432/meridian, with other characters as %XX.");
    };
    if (!is_postgres_url(url) || url.size() > url_max || url.find('\0') != std::string_view::npos) return unreadable();
    Server made{std::string(url), {}};
    struct Free {
        void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
    };
    const std::unique_ptr<PQconninfoOption, Free> options(PQconninfoParse(made.url.c_str(), nullptr));
    if (!options) return unreadable();
    const auto part = [&](std::string_view name) -> std::string {
        for (const auto* o = options.get(); o->keyword != nullptr; ++o)
            if (name == o->keyword && o->val != nullptr) return o->val;
        return {};
    };
    const auto user = part("user"), host = part("host"), port = part("port");
    made.shown =
        fmt::format("postgres://{}{}{}{}{}/{}", user, user.empty() ? "" : "@", host, port.empty() ? "" : ":", port, part("dbname"));
    return made;
}

std::unique_ptr<Connection> Dialler::dial() {
    const std::lock_guard lock(mutex_);
    const auto unreachable = [&](std::string logged) {
        return Error(Fault::unavailable, "The database cannot be reached, so nothing was done. Try again in a moment.", std::move(logged))
            .after(std::max(wait_, pause_first));
    };
    if (std::chrono::steady_clock::now() < next_) throw unreachable("waiting before the next try; the last one: " + why_);
    try {
        auto made = std::make_unique<Connection>(to_);
        if (wait_ != wait_.zero()) log::info("store", "the database {} answers again", to_.shown);
        wait_ = {};
        return made;
    } catch (const Error& e) {
        if (wait_ == wait_.zero()) log::error("store", "the database {} cannot be reached: {}", to_.shown, e.logged);
        wait_ = std::clamp(wait_ * 2, pause_first, pause_longest);
        next_ = std::chrono::steady_clock::now() + wait_;
        why_ = e.logged;
        throw unreachable(e.logged);
    }
}

milliseconds Dialler::pause() {
    const std::lock_guard lock(mutex_);
    const auto left = std::chrono::duration_cast<milliseconds>(next_ - std::chrono::steady_clock::now());
    return std::clamp(left + milliseconds(1), milliseconds(1), pause_longest);
}

}  // namespace meridian::store::postgres
