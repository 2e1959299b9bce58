#include "metering/log/witness.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"

namespace meridian::metering {
namespace {

constexpr std::size_t proof_max = 63;  // lines, as the specification says
constexpr std::size_t logs_max = 1000;
constexpr std::string_view old_word = "old ";

Witness::Answer refusal(int status, std::string said) { return {status, std::move(said) + "\n"}; }

// The note with the log's own signatures only: a file must not grow by what strangers append.
std::string with_signatures_of(std::string_view note, const VerifierKey& log) {
    const auto parts = split_note(note).value();
    std::string made = std::string(parts.text) + "\n";
    for (const auto signature : parts.by(log)) made += signature_line(log, signature);
    return made;
}

}  // namespace

std::string WitnessRequest::str() const {
    auto body = fmt::format("{}{}\n", old_word, old_size);
    for (const auto& hash : proof) body += base64(as_view(hash)) + "\n";
    return body + "\n" + note;
}

expected<WitnessRequest> WitnessRequest::parse(std::string_view body) {
    const auto first = take_line(body);
    const auto size = first && first->starts_with(old_word) ? note_number(first->substr(old_word.size())) : std::nullopt;
    if (!size) return complaint("the first line must be \"old\" and a size");
    WitnessRequest made{*size, {}, {}};
    for (;;) {
        const auto next = take_line(body);
        if (!next) return complaint("an empty line must follow the proof");
        if (next->empty()) break;
        const auto bytes = unbase64(*next);
        if (!bytes || bytes->size() != 32 || base64(*bytes) != *next) return complaint("a line of the proof is no hash in base64");
        if (made.proof.size() == proof_max) return complaint("the proof has more than 63 lines");
        std::ranges::copy(*bytes, reinterpret_cast<char*>(made.proof.emplace_back().data()));
    }
    if (const auto checkpoint = read_note(body); !checkpoint) return std::unexpected(checkpoint.error());
    if (const auto parts = split_note(body); !parts) return std::unexpected(parts.error());
    made.note = body;
    return made;
}

Witness::Witness(Disk& disk, Clock& clock, VerifierKey verifier, keys::SigningKey key, std::string directory)
    : disk_(disk), clock_(clock), verifier_(std::move(verifier)), key_(std::move(key)), directory_(std::move(directory)) {}

expected<std::unique_ptr<Witness>> Witness::open(Disk& disk, Clock& clock, std::string name, keys::SigningKey key,
                                                 std::vector<VerifierKey> logs, std::string directory) {
    VerifierKey verifier{std::move(name), key.public_key(), KeyKind::witness};
    if (auto read = VerifierKey::parse(verifier.str(), KeyKind::witness); !read)
        return complaint(fmt::format("'{}' cannot be a witness's name: it has no blanks and no plus sign.", verifier.name));
    if (logs.empty() || logs.size() > logs_max)
        return complaint(fmt::format("A witness follows at least one log and at most {}; {} are named.", logs_max, logs.size()));
    if (const auto made = disk.make_durable_directories(directory); !made)
        return complaint(fmt::format("The witness's directory {} cannot be made: {}.", directory, made.error().said));
    auto lock = disk.lock(directory + "/lock");
    if (!lock) {
        if (lock.error().kind == DiskError::Kind::busy)
            return complaint(fmt::format("{} is in use by another witness; stop that one first.", directory));
        return complaint(fmt::format("{} cannot be locked: {}.", directory, lock.error().said));
    }
    std::unique_ptr<Witness> made(new Witness(disk, clock, std::move(verifier), std::move(key), std::move(directory)));
    made->lock_ = std::move(*lock);
    for (auto& each : logs) {
        Log log{std::move(each), {}};
        log.file = hex(sha256(log.key.name));
        if (std::ranges::find(made->logs_, log.file, &Log::file) != made->logs_.end())
            return complaint(fmt::format("The log {} is named twice.", log.key.name));
        if (auto read = made->read(log); !read) return std::unexpected(read.error());
        made->logs_.push_back(std::move(log));
    }
    return made;
}

// Without what it has signed a witness would sign another history: a file that is there and not good is refused.
expected<void> Witness::read(Log& log) {
    const auto path = fmt::format("{}/{}", directory_, log.file);
    const auto note = disk_.read_file(path);
    if (!note) {
        if (note.error().kind == DiskError::Kind::not_found) return {};
        return complaint(fmt::format("{} cannot be read: {}.", path, note.error().said));
    }
    const auto damaged = [&](std::string_view why) {
        return complaint(
            fmt::format("{} is not what this witness has signed of {}: {}. Bring it back from a copy; without it the witness "
                        "could sign another history.",
                        path, log.key.name, why));
    };
    auto checkpoint = read_note(*note, log.key);
    if (!checkpoint) return damaged(checkpoint.error().said);
    const auto at = cosigned_at(*note, verifier_);
    if (!at) return damaged(at.error().said);
    if (!*at) return damaged("its own signature is not there");
    log.newest = std::move(*checkpoint);
    log.note = *note;
    return {};
}

Witness::Answer Witness::add_checkpoint(std::string_view body) {
    const auto request = WitnessRequest::parse(body);
    if (!request) return refusal(400, fmt::format("This is no request to a witness: {}.", request.error().said));
    const auto said = read_note(request->note).value();
    const std::lock_guard lock(mutex_);
    const auto log = std::ranges::find(logs_, said.origin, [](const Log& each) { return each.key.name; });
    if (log == logs_.end()) return refusal(404, "This witness does not follow the log.");
    if (const auto checked = read_note(request->note, log->key); !checked)
        return refusal(403, fmt::format("The checkpoint is refused: {}.", checked.error().said));
    return judge(*log, *request);
}

Witness::Answer Witness::judge(Log& log, const WitnessRequest& request) {
    const auto checkpoint = read_note(request.note).value();
    const Checkpoint before = log.newest.value_or(Checkpoint{checkpoint.origin, 0, sha256({})});
    if (request.old_size > checkpoint.size) return refusal(400, "The old size is past the checkpoint's.");
    if (request.old_size != before.size) return {409, fmt::format("{}\n", before.size), "text/x.tlog.size"};
    if (!extends(checkpoint.root, checkpoint.size, before.root, before.size, request.proof) ||
        (checkpoint.size == 0 && checkpoint.root != sha256({}))) {
        log::error("witness", "{}: a signed checkpoint of {} leaves does not continue the {} that were seen before:\n{}", log.key.name,
                   checkpoint.size, before.size, request.note);
        return refusal(422, "The checkpoint does not continue what this witness has signed, or the proof does not show it.");
    }
    return sign(log, checkpoint, with_signatures_of(request.note, log.key));
}

Witness::Answer Witness::sign(Log& log, const Checkpoint& checkpoint, const std::string& note) {
    const auto line = cosignature(note, verifier_, key_, clock_.now());
    auto whole = note + line;
    if (const auto written = disk_.replace_file(fmt::format("{}/{}", directory_, log.file), whole); !written) {
        log::error("witness", "{} was not signed: {}", log.key.name, written.error().said);
        return refusal(503, "The witness cannot write down what it signs, so it does not sign.");
    }
    log.newest = checkpoint;
    log.note = std::move(whole);
    return {200, line};
}

Witness::Answer Witness::checkpoint(std::string_view origin_hash) {
    const std::lock_guard lock(mutex_);
    const auto log = std::ranges::find(logs_, origin_hash, [](const Log& each) -> std::string_view { return each.file; });
    if (log == logs_.end() || log->note.empty()) return refusal(404, "This witness has signed nothing of such a log.");
    return {200, log->note};
}

}  // namespace meridian::metering
