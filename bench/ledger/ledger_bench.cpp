// A log of real receipts: how fast they are durable under signed checkpoints, how much room they take, how fast an auditor verifies
// them, and what questions to the books cost once they are read back. Usage: ledger-bench DIRECTORY RECEIPTS THREADS. Prints JSON.
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

#include "metering/bench.h"
#include "metering/testing.h"

namespace {

using namespace meridian;
using metering::Meter;

double seconds_since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

std::uint64_t bytes_in(const std::string& directory) {
    std::uint64_t bytes = 0;
    for (const auto& each : std::filesystem::directory_iterator(directory)) bytes += each.file_size();
    return bytes;
}

// 20 projects, 500 people with a key each, 8 models.
metering::RunStart run_of(std::uint64_t number) {
    auto start = metering::testing::chat();
    const auto person = number % 500;
    start.project = *ProjectId::parse(fmt::format("22222222-2222-4222-8222-{:012}", person % 20));
    start.principal = *PrincipalId::parse(fmt::format("33333333-3333-4333-8333-{:012}", person));
    start.api_key = fmt::format("SCW{:017}", person);
    start.model = fmt::format("a-model-with-a-usual-name-{}", number / 7 % 8);
    return start;
}

struct Written {
    double seconds = 0;
    std::uint64_t receipt_bytes = 0;
};

const std::string seed(32, 's');

// `each_durable`: every run waits for its checkpoint, as with X-Meridian-Durable; else only the last.
Written write(const std::string& directory, std::uint64_t receipts, unsigned threads, bool each_durable) {
    metering::testing::RealLedger ledger(directory, *keys::SigningKey::from_seed(seed));
    std::atomic<std::uint64_t> left{receipts}, bytes{0};
    const auto one_by_one = [&] {
        for (auto n = left.load(); n > 0;) {
            if (!left.compare_exchange_weak(n, n - 1)) continue;
            const auto made = ledger.meter->settle(ledger.meter->hold(run_of(n)), {120, 350, 40}, metering::Outcome::finished);
            bytes += made.leaf.size();
            if (each_durable) ledger.durable();
        }
    };
    const auto begin = std::chrono::steady_clock::now();
    std::vector<std::jthread> writers;
    for (unsigned i = 0; i < threads; ++i) writers.emplace_back(one_by_one);
    writers.clear();
    ledger.durable();
    return {seconds_since(begin), bytes};
}

struct Asked {
    double start_seconds = 0;
    double spent_us = 0, spent_key_us = 0, project_month_ms = 0, organization_month_ms = 0;
};

// A start over the receipts, and the questions of budgets and bills.
Asked ask(const std::string& directory) {
    const auto began = std::chrono::steady_clock::now();
    metering::testing::RealLedger ledger(directory, *keys::SigningKey::from_seed(seed));
    Asked made{.start_seconds = seconds_since(began)};
    const auto now = ledger.clock.now(), then = now - std::chrono::days(30);
    const auto one = run_of(7);
    const auto microseconds = [](int times, auto question) {
        const auto begin = std::chrono::steady_clock::now();
        for (int i = 0; i < times; ++i) question();
        return seconds_since(begin) * 1e6 / times;
    };
    made.spent_us = microseconds(100'000, [&] { return ledger.meter->spent(one.organization, then, now); });
    made.spent_key_us = microseconds(100'000, [&] { return ledger.meter->spent(metering::AccessKey{one.api_key}, then, now); });
    made.project_month_ms = microseconds(100, [&] { return ledger.meter->usage({one.project, {then, now}}); }) / 1000;
    made.organization_month_ms = microseconds(20, [&] { return ledger.meter->usage({one.organization, {then, now}}); }) / 1000;
    return made;
}

double verifications_per_second() {
    SystemRng rng;
    const auto key = keys::SigningKey::generate(rng);
    const std::string message(1024, 'm');
    const auto signature = key.sign(message);
    const std::string_view bytes(reinterpret_cast<const char*>(signature.data()), signature.size());
    constexpr int rounds = 5000;
    const auto begin = std::chrono::steady_clock::now();
    int good = 0;
    for (int i = 0; i < rounds; ++i) good += keys::verify(key.public_key(), message, bytes);
    return good / seconds_since(begin);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) return fmt::print(stderr, "usage: ledger-bench DIRECTORY RECEIPTS THREADS\n"), 2;
    log::configure(log::Level::error, log::Form::text);
    const std::string root = argv[1];
    const auto receipts = std::stoull(argv[2]);
    const auto threads = static_cast<unsigned>(std::stoul(argv[3]));

    const auto busy = write(root + "/busy", receipts, threads, false);
    const auto busy_bytes = bytes_in(root + "/busy");
    real::PosixDisk disk;
    const auto begin = std::chrono::steady_clock::now();
    real::ThreadPool helper(1);
    const auto verdict = Meter::verify_directory(disk, root + "/busy", {}, &helper);
    const auto verified = seconds_since(begin);
    if (!verdict.good || verdict.receipts != static_cast<std::int64_t>(receipts)) {
        fmt::print(stderr, "the log does not verify: {}\n", verdict.said);
        return 1;
    }
    const auto asked = ask(root + "/busy");
    constexpr std::uint64_t alone = 1000;
    const auto calm = write(root + "/calm", alone, 1, true);
    fmt::print("{}\n", to_text(JsonObject{
                           {"receipts", receipts},
                           {"threads", threads},
                           {"durable_per_second", static_cast<double>(receipts) / busy.seconds},
                           {"checkpoints", verdict.checkpoints},
                           {"receipt_bytes", busy.receipt_bytes},
                           {"log_bytes", busy_bytes},
                           {"storage_ratio", static_cast<double>(busy_bytes) / static_cast<double>(busy.receipt_bytes)},
                           {"verify_seconds", verified},
                           {"start_seconds", asked.start_seconds},
                           {"spent_us", asked.spent_us},
                           {"spent_key_us", asked.spent_key_us},
                           {"project_month_ms", asked.project_month_ms},
                           {"organization_month_ms", asked.organization_month_ms},
                           {"alone_ms", calm.seconds * 1000 / alone},
                           {"alone_storage_ratio", static_cast<double>(bytes_in(root + "/calm")) / static_cast<double>(calm.receipt_bytes)},
                           {"signatures_per_second", verifications_per_second()}}));
    return 0;
}
