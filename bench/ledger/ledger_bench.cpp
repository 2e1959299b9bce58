// A log of real receipts: how fast they are durable under signed checkpoints, how much room they take, and how fast an auditor
// verifies them. Usage: ledger-bench DIRECTORY RECEIPTS THREADS. Prints JSON.
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

struct Written {
    double seconds = 0;
    std::uint64_t receipt_bytes = 0;
};

// `each_durable`: every run waits for its checkpoint, as with X-Meridian-Durable; else only the last.
Written write(const std::string& directory, std::uint64_t receipts, unsigned threads, bool each_durable) {
    metering::testing::RealLedger ledger(directory);
    std::atomic<std::uint64_t> left{receipts}, bytes{0};
    const auto one_by_one = [&] {
        const auto start = metering::testing::chat();
        for (auto n = left.load(); n > 0;) {
            if (!left.compare_exchange_weak(n, n - 1)) continue;
            const auto made = ledger.meter->settle(ledger.meter->hold(start), {120, 350, 40}, metering::Outcome::finished);
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
                           {"alone_ms", calm.seconds * 1000 / alone},
                           {"alone_storage_ratio", static_cast<double>(bytes_in(root + "/calm")) / static_cast<double>(calm.receipt_bytes)},
                           {"signatures_per_second", verifications_per_second()}}));
    return 0;
}
