#include "http/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace meridian::http {
namespace {

bool is_word(std::string_view name) {
    if (name.empty() || name.starts_with("__") || (name.front() >= '0' && name.front() <= '9')) return false;
    return std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

bool ends_in_one_of(std::string_view name, std::initializer_list<std::string_view> suffixes) {
    return std::ranges::any_of(suffixes, [&](std::string_view suffix) { return name.ends_with(suffix); });
}

void add_escaped(std::string& out, std::string_view text, bool escapes_quotes) {
    for (const char c : text) {
        switch (c) {
            case '\\':
                out += "\\\\";
                break;
            case '\n':
                out += "\\n";
                break;
            case '"':
                out += escapes_quotes ? "\\\"" : "\"";
                break;
            default:
                out += c;
        }
    }
}

std::string number(double value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
    return fmt::format("{}", value);
}

}  // namespace

Histogram::Histogram(std::vector<double> upper_bounds)
    : bounds_(std::move(upper_bounds)), counts_(std::make_unique<std::atomic<std::uint64_t>[]>(bounds_.size() + 1)) {
    MERIDIAN_ASSERT(!bounds_.empty() && std::ranges::is_sorted(bounds_, std::less_equal<>()));
}

void Histogram::observe(double value) {
    const auto at = static_cast<std::size_t>(std::ranges::lower_bound(bounds_, value) - bounds_.begin());
    counts_[at].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
}

Histogram::Reading Histogram::reading() const {
    Reading out;
    std::uint64_t below = 0;
    for (std::size_t i = 0; i <= bounds_.size(); ++i) {
        below += counts_[i].load(std::memory_order_relaxed);
        out.cumulative.emplace_back(i < bounds_.size() ? bounds_[i] : INFINITY, below);
    }
    out.sum = sum_.load(std::memory_order_relaxed);
    return out;
}

void MetricsText::family(Kind kind, std::string_view name, std::string_view help) {
    MERIDIAN_ASSERT(is_word(name) && !help.empty());
    MERIDIAN_ASSERT(name.ends_with("_total") == (kind == Kind::counter));
    MERIDIAN_ASSERT(!ends_in_one_of(name, {"_count", "_sum", "_bucket", "_milliseconds", "_ms", "_minutes", "_kilobytes"}));
    MERIDIAN_ASSERT(told_.emplace(name).second);
    static constexpr std::string_view words[] = {"counter", "gauge", "histogram"};
    name_ = name;
    kind_ = kind;
    text_ += "# HELP ";
    text_ += name;
    text_ += ' ';
    add_escaped(text_, help, false);
    text_ += "\n# TYPE ";
    text_ += name;
    text_ += ' ';
    text_ += words[static_cast<std::size_t>(kind)];
    text_ += '\n';
}

MetricsText& MetricsText::counter(std::string_view name, std::string_view help) { return family(Kind::counter, name, help), *this; }
MetricsText& MetricsText::gauge(std::string_view name, std::string_view help) { return family(Kind::gauge, name, help), *this; }
MetricsText& MetricsText::histogram(std::string_view name, std::string_view help) { return family(Kind::histogram, name, help), *this; }

void MetricsText::line(std::string_view suffix, Labels labels, std::string_view bound, std::string_view value) {
    text_ += name_;
    text_ += suffix;
    std::string_view before = "{";
    const auto label = [&](std::string_view name, std::string_view text) {
        text_ += before;
        text_ += name;
        text_ += "=\"";
        add_escaped(text_, text, true);
        text_ += '"';
        before = ",";
    };
    for (const auto& [name, text] : labels) {
        MERIDIAN_ASSERT(is_word(name) && name != "le" && name != "quantile");
        label(name, text);
    }
    if (!bound.empty()) label("le", bound);
    if (before == ",") text_ += '}';
    text_ += ' ';
    text_ += value;
    text_ += '\n';
}

MetricsText& MetricsText::sample(Labels labels, std::uint64_t value) {
    MERIDIAN_ASSERT(!name_.empty() && kind_ != Kind::histogram);
    line("", labels, "", fmt::format("{}", value));
    return *this;
}

MetricsText& MetricsText::sample(Labels labels, double value) {
    MERIDIAN_ASSERT(!name_.empty() && kind_ != Kind::histogram);
    line("", labels, "", number(value));
    return *this;
}

MetricsText& MetricsText::sample(Labels labels, const Histogram& value) {
    MERIDIAN_ASSERT(kind_ == Kind::histogram);
    const auto reading = value.reading();
    for (const auto& [bound, count] : reading.cumulative) line("_bucket", labels, number(bound), fmt::format("{}", count));
    line("_sum", labels, "", number(reading.sum));
    line("_count", labels, "", fmt::format("{}", reading.cumulative.back().second));
    return *this;
}

void add_server_metrics(MetricsText& out, std::span<const ServerCounters* const> loops) {
    using Counter = std::atomic<std::uint64_t> ServerCounters::*;
    const auto sum = [&](Counter counter) {
        std::uint64_t total = 0;
        for (const auto* one : loops) total += (one->*counter).load(std::memory_order_relaxed);
        return total;
    };

    out.gauge("meridian_http_connections_open", "Connections that are open.").sample({}, sum(&ServerCounters::connections_open));
    out.counter("meridian_http_connections_total", "Connections accepted.").sample({}, sum(&ServerCounters::connections_total));
    out.counter("meridian_http_connections_refused_total", "Connections turned away because there were too many.")
        .sample({}, sum(&ServerCounters::refused_total));
    out.gauge("meridian_http_requests_running", "Requests being answered.").sample({}, sum(&ServerCounters::requests_running));
    out.counter("meridian_http_requests_total", "Requests received.").sample({}, sum(&ServerCounters::requests_total));
    out.counter(
           "meridian_http_requests_shed_total",
           "Requests refused with 503 because of the load: they had waited too long, too many were running, too many bytes of bodies held.")
        .sample({{"reason", "late"}}, sum(&ServerCounters::shed_late))
        .sample({{"reason", "runs"}}, sum(&ServerCounters::shed_runs))
        .sample({{"reason", "bodies"}}, sum(&ServerCounters::shed_bodies));
    out.gauge("meridian_http_body_bytes", "Bytes of requests' bodies that are held.").sample({}, sum(&ServerCounters::body_bytes));
    out.gauge("meridian_http_requests_waiting", "Requests that wait for their loop to begin with them.")
        .sample({}, sum(&ServerCounters::waiting));
    out.counter("meridian_http_answers_total", "Requests ended, by the class of their status; \"none\" where the client left before.");
    static constexpr std::string_view classes[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
    for (std::size_t i = 0; i < std::size(classes); ++i) {
        std::uint64_t total = 0;
        for (const auto* one : loops) total += one->status_class[i].load(std::memory_order_relaxed);
        out.sample({{"class", classes[i]}}, total);
    }
}

}  // namespace meridian::http
