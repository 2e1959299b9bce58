// Figures in Prometheus' text format: names are held to what its linter asks for, so that no dashboard starts with a rename.
#pragma once
#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/server.h"

namespace meridian::http {

// Counts of observations below each bound. Written by many threads, read by /metrics.
class Histogram {
public:
    explicit Histogram(std::vector<double> upper_bounds);  // ascending
    void observe(double value);

    struct Reading {
        std::vector<std::pair<double, std::uint64_t>> cumulative;  // by upper bound; the last is all
        double sum = 0;
    };
    [[nodiscard]] Reading reading() const;

private:
    std::vector<double> bounds_;
    std::unique_ptr<std::atomic<std::uint64_t>[]> counts_;
    std::atomic<double> sum_{0};
};

// First the family, then its samples. Asserts what promtool would complain of: counters end in _total and nothing else does, every
// family is told once and has a help text, words are in snake_case.
class MetricsText {
public:
    using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

    MetricsText& counter(std::string_view name, std::string_view help);
    MetricsText& gauge(std::string_view name, std::string_view help);
    MetricsText& histogram(std::string_view name, std::string_view help);

    MetricsText& sample(Labels labels, std::uint64_t value);
    MetricsText& sample(Labels labels, double value);
    MetricsText& sample(Labels labels, const Histogram& value);

    [[nodiscard]] const std::string& text() const { return text_; }
    static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

private:
    enum class Kind { counter, gauge, histogram };
    void family(Kind kind, std::string_view name, std::string_view help);
    void line(std::string_view suffix, Labels labels, std::string_view bound, std::string_view value);

    std::string text_, name_;
    Kind kind_ = Kind::counter;
    std::set<std::string, std::less<>> told_;
};

// What the servers of all loops counted, summed up.
void add_server_metrics(MetricsText& out, std::span<const ServerCounters* const> loops);

}  // namespace meridian::http
