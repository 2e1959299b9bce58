#include "metering/log/bundle.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "metering/log/chain.h"
#include "metering/log/cover.h"
#include "metering/proof.h"
#include "metering/replay.h"

namespace meridian::metering {
namespace {

constexpr std::string_view file_type = "meridian-receipts/v1";
constexpr std::string_view opening = R"({"type":"meridian-receipts/v1",)";
constexpr std::string_view place = R"({"index":)", receipt = R"(,"receipt":)", hashes = R"({"hashes":[)";
constexpr std::size_t piece = 1 << 20;
constexpr std::size_t line_max = 512ull << 20;  // the hashes are one line
constexpr std::size_t hash_digits = 44;

// Appends to a file in large pieces.
class Writer {
public:
    static DiskResult<Writer> open(Disk& disk, const std::string& path) {
        auto file = disk.open(path, Disk::Open::create_new);
        if (!file) return std::unexpected(file.error());
        return Writer(std::move(*file));
    }
    void add(std::string_view bytes) {
        waiting_ += bytes;
        if (waiting_.size() >= piece) flush();
    }
    DiskResult<void> finish() {
        flush();
        return done_ ? file_->sync() : done_;
    }

private:
    explicit Writer(std::unique_ptr<File> file) : file_(std::move(file)) {}
    void flush() {
        if (done_) done_ = file_->write(at_, waiting_);
        at_ += waiting_.size();
        waiting_.clear();
    }
    std::unique_ptr<File> file_;
    std::string waiting_;
    std::uint64_t at_ = 0;
    DiskResult<void> done_;
};

// The lines of a file, one after the other.
class Lines {
public:
    explicit Lines(std::unique_ptr<File> file) : file_(std::move(file)) {}
    // Nothing at the end, or where a line has no end.
    std::optional<std::string_view> next() {
        for (auto seen = begin_;;) {
            if (const auto end = waiting_.find('\n', seen); end != std::string::npos) {
                const auto line = std::string_view(waiting_).substr(begin_, end - begin_);
                begin_ = end + 1;
                return line;
            }
            waiting_.erase(0, begin_);
            begin_ = 0;
            seen = waiting_.size();
            if (seen > line_max) return std::nullopt;
            waiting_.resize(seen + piece);
            const auto got = file_->read(at_, std::span(waiting_).subspan(seen));
            waiting_.resize(seen + (got ? *got : 0));
            at_ += waiting_.size() - seen;
            if (waiting_.size() == seen) return std::nullopt;
        }
    }
    [[nodiscard]] bool at_end() {
        const auto more = next();
        return !more && waiting_.empty();
    }

private:
    std::unique_ptr<File> file_;
    std::string waiting_;
    std::size_t begin_ = 0;
    std::uint64_t at_ = 0;
};

struct Found {
    std::vector<std::uint64_t> places;
    std::uint64_t leaves = 0;
};

// Reads the records anew: what replay kept in memory is no leaf.
expected<Found> copy_receipts(Disk& disk, const std::string& ledger, const WholeLog& log, const Wanted& period, Writer& to) {
    Found found;
    for (std::size_t i = 0; i < log.ending.kept; ++i) {
        const auto bytes = disk.read_file(ledger + "/" + log.ending.segments[i].name);
        if (!bytes) return complaint(bytes.error().said + ".");
        for (auto record = record_at(*bytes, 0); record && found.leaves < log.published.size; record = record_at(*bytes, record->end())) {
            if (!is_leaf(record->type)) continue;
            const auto index = found.leaves++;
            const auto facts = record->type == RecordType::receipt ? facts_of(record->payload) : complaint("");
            if (!facts || facts->project != period.project || facts->ended_at < period.from || facts->ended_at >= period.to) continue;
            found.places.push_back(index);
            to.add(fmt::format("{}{}{}", place, index, receipt));
            to.add(record->payload);
            to.add("}\n");
        }
    }
    return found;
}

Meter::Verdict bad(std::string_view why) { return {.good = false, .said = fmt::format("The receipts do not verify: {}.", why)}; }

struct Header {
    Checkpoint checkpoint;
    VerifierKey key;
};

std::string header_text(std::string_view note, const VerifierKey& key) {
    return to_text(JsonObject{{"type", file_type}, {"checkpoint", note}, {"verifier_key", key.str()}});
}

expected<Header> read_header(std::string_view line, std::span<const VerifierKey> trusted) {
    const auto json = parse_json(line);
    const auto text = [&](std::string_view key) {
        const auto* found = json ? text_member(*json, key) : nullptr;
        return found ? std::string(view(*found)) : std::string();
    };
    const auto key = VerifierKey::parse(text("verifier_key"));
    if (!line.starts_with(opening) || !key || line != header_text(text("checkpoint"), *key))
        return complaint("the first line is not that of such a file");
    if (!trusted.empty() && std::ranges::find(trusted, key->str(), &VerifierKey::str) == trusted.end())
        return complaint(fmt::format("they are signed by {}, which is not the key that you trust", key->str()));
    auto checkpoint = read_note(text("checkpoint"), *key);
    if (!checkpoint) return std::unexpected(checkpoint.error());
    return Header{std::move(*checkpoint), *key};
}

// What the receipts say together. They are of one project.
struct Sum {
    std::optional<ProjectId> project;
    std::int64_t nanos = 0;
    Timestamp first = Timestamp::max(), last = Timestamp::min();

    expected<void> add(const LeafFacts& facts) {
        if (project && *project != facts.project) return complaint("they are not of one project");
        if (__builtin_add_overflow(nanos, facts.cost.count(), &nanos)) return complaint("their costs are past what money can be");
        project = facts.project;
        first = std::min(first, facts.ended_at);
        last = std::max(last, facts.ended_at);
        return {};
    }
    [[nodiscard]] std::string str() const {
        if (!project) return "";
        return fmt::format(" of the project {}, which ended from {} to {} and cost € {} together,", project->str(), rfc3339(first),
                           rfc3339(last), Money::nanos(nanos).str());
    }
};

expected<Proof> read_hashes(std::string_view line) {
    Proof proof;
    if (!line.starts_with(hashes) || !line.ends_with("]}")) return complaint("the last line has no hashes");
    line.remove_prefix(hashes.size());
    line.remove_suffix(2);
    while (!line.empty()) {
        const auto bytes = line.size() >= hash_digits + 2 ? unbase64(line.substr(1, hash_digits)) : std::nullopt;
        if (!bytes || bytes->size() != 32 || line.front() != '"' || line[hash_digits + 1] != '"' ||
            base64(*bytes) != line.substr(1, hash_digits))
            return complaint("a hash is not of its form");
        std::ranges::copy(*bytes, reinterpret_cast<char*>(proof.emplace_back().data()));
        line.remove_prefix(hash_digits + 2);
        if (line.empty()) break;
        if (line.front() != ',' || line.size() == 1) return complaint("a hash is not of its form");
        line.remove_prefix(1);
    }
    return proof;
}

// One receipt's line: its place, and its bytes as they were logged.
std::optional<std::pair<std::uint64_t, std::string_view>> read_receipt(std::string_view line) {
    if (!line.starts_with(place) || !line.ends_with('}')) return std::nullopt;
    line.remove_prefix(place.size());
    line.remove_suffix(1);
    std::uint64_t index = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), index);
    const auto digits = static_cast<std::size_t>(end - line.data());
    if (error != std::errc() || (digits > 1 && line.front() == '0') || !line.substr(digits).starts_with(receipt)) return std::nullopt;
    return std::pair(index, line.substr(digits + receipt.size()));
}

}  // namespace

expected<std::uint64_t> write_bundle(Disk& disk, const std::string& ledger, const Wanted& period, const std::string& path) {
    const auto log = read_log(disk, ledger);
    if (!log) return std::unexpected(log.error());
    auto file = Writer::open(disk, path);
    if (!file) return complaint(file.error().said + ".");
    const auto key = std::ranges::find(log->keys, log->published.origin, &VerifierKey::name);
    file->add(header_text(log->published.note, *key) + "\n");
    const auto found = copy_receipts(disk, ledger, *log, period, *file);
    if (!found) return std::unexpected(found.error());
    file->add(hashes);
    bool is_first = true;
    for (const auto& hash : cover(log->history.tree, log->published.size, found->places))
        file->add(fmt::format("{}\"{}\"", std::exchange(is_first, false) ? "" : ",", base64(as_view(hash))));
    file->add("]}\n");
    if (const auto done = file->finish(); !done) return complaint(done.error().said + ".");
    return found->places.size();
}

bool is_bundle(Disk& disk, const std::string& path) {
    const auto file = disk.open(path, Disk::Open::read);
    std::string head(opening.size(), '\0');
    const auto got = file ? (*file)->read(0, head) : std::unexpected(file.error());
    return got && head == opening;
}

Meter::Verdict verify_bundle(Disk& disk, const std::string& path, std::string_view trusted_key, std::string_view chain) {
    auto trusted = trusted_keys(trusted_key, chain);
    if (!trusted) return {.good = false, .said = trusted.error().said};
    auto file = disk.open(path, Disk::Open::read);
    if (!file) return bad(file.error().said);
    Lines lines(std::move(*file));
    const auto first = lines.next();
    const auto header = first ? read_header(*first, *trusted) : complaint("the file is empty");
    if (!header) return bad(header.error().said);
    std::vector<std::pair<std::uint64_t, Sha256>> leaves;
    Sum sum;
    for (;;) {
        const auto line = lines.next();
        if (!line) return bad("the file ends too early");
        if (line->starts_with(hashes)) {
            const auto proof = read_hashes(*line);
            if (!proof) return bad(proof.error().said);
            if (covered_root(header->checkpoint.size, leaves, *proof) != header->checkpoint.root)
                return bad("they are not in the signed log");
            break;
        }
        const auto one = read_receipt(*line);
        const auto facts = one ? facts_of(one->second) : complaint("a line is no receipt");
        if (!facts) return bad(facts.error().said);
        if (const auto added = sum.add(*facts); !added) return bad(added.error().said);
        leaves.emplace_back(one->first, leaf_hash(one->second));
    }
    if (!lines.at_end()) return bad("something follows the hashes");
    const std::string_view how = trusted_key.empty() ? " as the file itself says; compare that key with one that you trust" : "";
    return {.good = true,
            .said = fmt::format("{} receipts{} are in the log {} of {} leaves, signed by {}{}.", leaves.size(), sum.str(),
                                header->checkpoint.origin, header->checkpoint.size, header->key.str(), how),
            .receipts = static_cast<std::int64_t>(leaves.size()),
            .checkpoints = 1};
}

}  // namespace meridian::metering
