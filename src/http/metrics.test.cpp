#include "http/metrics.h"

#include <gtest/gtest.h>

#include <array>

namespace meridian::http {
namespace {

TEST(Metrics, FamiliesAndSamplesReadAsPrometheusExpects) {
    MetricsText out;
    out.counter("meridian_runs_total", "Runs that ended.")
        .sample({{"model", "a\"b\\c\n"}, {"zone", "x"}}, std::uint64_t{7})
        .sample({}, std::uint64_t{1});
    out.gauge("meridian_load_ratio", "How full it is.").sample({}, 0.5);
    EXPECT_EQ(out.text(),
              "# HELP meridian_runs_total Runs that ended.\n"
              "# TYPE meridian_runs_total counter\n"
              "meridian_runs_total{model=\"a\\\"b\\\\c\\n\",zone=\"x\"} 7\n"
              "meridian_runs_total 1\n"
              "# HELP meridian_load_ratio How full it is.\n"
              "# TYPE meridian_load_ratio gauge\n"
              "meridian_load_ratio 0.5\n");
}

TEST(Metrics, HistogramsAreCumulative) {
    Histogram took({0.1, 1});
    for (const double one : {0.05, 0.1, 0.5, 3.0}) took.observe(one);
    MetricsText out;
    out.histogram("meridian_request_seconds", "Time to the last byte.").sample({{"route", "r"}}, took);
    EXPECT_EQ(out.text(),
              "# HELP meridian_request_seconds Time to the last byte.\n"
              "# TYPE meridian_request_seconds histogram\n"
              "meridian_request_seconds_bucket{route=\"r\",le=\"0.1\"} 2\n"
              "meridian_request_seconds_bucket{route=\"r\",le=\"1\"} 3\n"
              "meridian_request_seconds_bucket{route=\"r\",le=\"+Inf\"} 4\n"
              "meridian_request_seconds_sum{route=\"r\"} 3.65\n"
              "meridian_request_seconds_count{route=\"r\"} 4\n");
}

TEST(MetricsDeathTest, NamesThatALinterRefusesAreOurMistakes) {
    testing::GTEST_FLAG(death_test_style) = "fast";
    EXPECT_DEATH(MetricsText().counter("meridian_runs", "Help."), "_total");
    EXPECT_DEATH(MetricsText().gauge("meridian_runs_total", "Help."), "_total");
    EXPECT_DEATH(MetricsText().gauge("meridianRuns", "Help."), "is_word");
    EXPECT_DEATH(MetricsText().gauge("meridian_runs", ""), "help");
    EXPECT_DEATH(MetricsText().gauge("meridian_wait_ms", "Help."), "_ms");
    EXPECT_DEATH(MetricsText().gauge("meridian_a", "Help.").gauge("meridian_a", "Help."), "told_");
    EXPECT_DEATH(MetricsText().gauge("meridian_a", "Help.").sample({{"le", "1"}}, 1.0), "le");
}

TEST(Metrics, ServersOfAllLoopsAreSummedUp) {
    ServerCounters a, b;
    a.requests_total = 3;
    b.requests_total = 4;
    b.status_class[2] = 5;
    b.shed_late = 6;
    a.waiting = 20;
    b.waiting = 10;
    const std::array<const ServerCounters*, 2> loops = {&a, &b};
    MetricsText out;
    add_server_metrics(out, loops);
    EXPECT_NE(out.text().find("\nmeridian_http_requests_total 7\n"), std::string::npos) << out.text();
    EXPECT_NE(out.text().find("\nmeridian_http_answers_total{class=\"2xx\"} 5\n"), std::string::npos);
    EXPECT_NE(out.text().find("\nmeridian_http_requests_shed_total{reason=\"late\"} 6\n"), std::string::npos);
    EXPECT_NE(out.text().find("\nmeridian_http_requests_waiting 30\n"), std::string::npos);
}

}  // namespace
}  // namespace meridian::http
