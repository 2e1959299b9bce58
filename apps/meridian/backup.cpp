#include "backup.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/hash.h"
#include "base/json.h"
#include "base/version.h"

namespace meridian::app {
namespace {

constexpr std::size_t piece_bytes = 1 << 20;

struct Entry {
    std::string path;  // relative to the data directory
    std::string sha256;
    std::uint64_t bytes = 0;
};

std::unexpected<Diagnostic> complain(const DiskError& error) { return complaint(error.said); }

std::string parent(const std::string& path) { return path.substr(0, path.rfind('/')); }

// Reads `from` in pieces; writes them to `to` when it is not empty. A file that grows meanwhile is taken up to its size at the start.
expected<Entry> copy(Disk& disk, const std::string& from, const std::string& to, std::string relative) {
    auto source = disk.open(from, Disk::Open::read);
    if (!source) return complain(source.error());
    const auto size = (*source)->size();
    if (!size) return complain(size.error());
    std::unique_ptr<File> target;
    if (!to.empty()) {
        if (auto made = disk.make_directories(parent(to)); !made) return complain(made.error());
        auto opened = disk.open(to, Disk::Open::create_new);
        if (!opened) return complain(opened.error());
        target = std::move(*opened);
    }
    Sha256Stream digest;
    std::string piece(piece_bytes, '\0');
    for (std::uint64_t at = 0; at < *size;) {
        const auto want = std::min<std::uint64_t>(piece.size(), *size - at);
        const auto got = (*source)->read(at, std::span(piece.data(), want));
        if (!got) return complain(got.error());
        if (*got == 0) return complaint(fmt::format("{} ended early", from));
        const std::string_view bytes(piece.data(), *got);
        digest.add(bytes);
        if (target) {
            if (auto written = target->write(at, bytes); !written) return complain(written.error());
        }
        at += *got;
    }
    if (target) {
        if (auto synced = target->sync(); !synced) return complain(synced.error());
    }
    return Entry{std::move(relative), hex(digest.finish()), *size};
}

// Every file below `root`/`relative`; a folder that does not exist holds none.
expected<void> walk(Disk& disk, const std::string& root, const std::string& relative,
                    const std::function<expected<void>(const std::string&)>& visit) {
    const auto names = disk.list(root + "/" + relative);
    if (!names) {
        if (names.error().kind == DiskError::Kind::not_found) return {};
        return complain(names.error());
    }
    for (const auto& name : *names) {
        const auto path = relative + "/" + name;
        if (disk.list(root + "/" + path)) {
            if (auto inner = walk(disk, root, path, visit); !inner) return inner;
        } else if (auto seen = visit(path); !seen) {
            return seen;
        }
    }
    return {};
}

std::string artifact_path(const Layout& layout, const std::string& digest) {
    return layout.artifacts().substr(layout.root.size() + 1) + "/" + digest.substr(0, 2) + "/" + digest.substr(2);
}

expected<std::vector<Entry>> manifest_of(Disk& disk, const std::string& from) {
    const auto text = disk.read_file(from + "/manifest.json");
    if (!text) return complaint(fmt::format("'{}' holds no Meridian backup: {}", from, text.error().said));
    const auto json = parse_json(*text);
    if (!json) return complaint("manifest.json is damaged: " + json.error().said);
    const auto* files = member(*json, "files");
    if (!files || !files->is_array()) return complaint("manifest.json names no files.");
    std::vector<Entry> out;
    for (const auto& file : files->get_array()) {
        const auto* path = text_member(file, "path");
        const auto* digest = text_member(file, "sha256");
        if (!path || !digest || view(*path).starts_with('/') || view(*path).find("..") != std::string_view::npos)
            return complaint("manifest.json is damaged.");
        out.push_back({std::string(view(*path)), std::string(view(*digest)), 0});
    }
    return out;
}

}  // namespace

expected<BackupSummary> back_up(Disk& disk, Clock& clock, store::Store& store, const Layout& layout, const std::string& to,
                                const std::vector<std::string>& private_artifacts) {
    if (const auto there = disk.list(to); there && !there->empty())
        return complaint(fmt::format("'{}' is not empty; name a new directory.", to));
    if (auto made = disk.make_directories(to + "/control"); !made) return complain(made.error());
    const auto elsewhere = store.elsewhere();
    const auto began = clock.now();
    if (elsewhere.empty()) {
        if (auto copied = store.backup_to(to + "/control/meridian.db"); !copied) return std::unexpected(copied.error());
    }
    std::vector<Entry> entries;
    const auto take = [&](const std::string& path) -> expected<void> {
        const auto name = std::string_view(path).substr(path.rfind('/') + 1);
        if (name == "lock" || name == "next" || name.ends_with(".new")) return {};  // these come and go
        if (std::ranges::find(entries, path, &Entry::path) != entries.end()) return {};
        auto entry = copy(disk, layout.root + "/" + path, to + "/" + path, path);
        if (!entry) return std::unexpected(entry.error());
        entries.push_back(std::move(*entry));
        return {};
    };
    // The ledger after the database: a deployment in it may lack later receipts, never the other way round.
    if (elsewhere.empty()) {
        auto database = copy(disk, to + "/control/meridian.db", "", "control/meridian.db");
        if (!database) return std::unexpected(database.error());
        entries.push_back(std::move(*database));
    } else if (auto taken = take(layout.database_elsewhere().substr(layout.root.size() + 1)); !taken) {
        return std::unexpected(taken.error());
    }
    const auto zone = layout.zone().substr(layout.root.size() + 1);
    // The checkpoints before the segments: they must not speak of receipts that the copied segments lack.
    for (const std::string name : {"/ledger/checkpoint", "/ledger/witnessed"}) {
        if (const auto there = disk.exists(layout.zone() + name); !there || !*there) continue;
        if (auto taken = take(zone + name); !taken) return std::unexpected(taken.error());
    }
    for (const auto& folder : {std::string("control/keys"), zone + "/keys", zone + "/ledger"}) {
        if (auto walked = walk(disk, layout.root, folder, take); !walked) return std::unexpected(walked.error());
    }
    for (const auto& digest : private_artifacts) {
        if (auto taken = take(artifact_path(layout, digest)); !taken) return std::unexpected(taken.error());
    }
    JsonArray files;
    BackupSummary summary{to, entries.size(), 0, elsewhere};
    for (const auto& entry : entries) {
        files.push_back(JsonObject{{"path", entry.path}, {"sha256", entry.sha256}, {"bytes", entry.bytes}});
        summary.bytes += entry.bytes;
    }
    JsonObject manifest{{"made_at", rfc3339(clock.now())}, {"version", version()}, {"zone", layout.zone_name}, {"files", files}};
    if (!elsewhere.empty()) {  // PostgreSQL's own backup is to be brought to this moment
        manifest["database"] = elsewhere;
        manifest["began_at"] = rfc3339(began);
    }
    if (auto written = disk.replace_file(to + "/manifest.json", to_text(manifest)); !written) return complain(written.error());
    return summary;
}

expected<BackupSummary> restore(Disk& disk, const std::string& from, const std::string& data) {
    const auto entries = manifest_of(disk, from);
    if (!entries) return std::unexpected(entries.error());
    if (const auto there = disk.exists(data + "/control"); there && *there) {
        return complaint(fmt::format("'{}' already holds a Meridian; restore into a new directory.", data));
    }
    for (const auto& entry : *entries) {
        const auto checked = copy(disk, from + "/" + entry.path, "", entry.path);
        if (!checked) return std::unexpected(checked.error());
        if (checked->sha256 != entry.sha256)
            return complaint(fmt::format("The backup is damaged: {} differs from its digest. Nothing was restored.", entry.path));
    }
    BackupSummary summary{data, 0, 0, {}};
    for (const auto& entry : *entries) {
        const auto copied = copy(disk, from + "/" + entry.path, data + "/" + entry.path, entry.path);
        if (!copied) return std::unexpected(copied.error());
        ++summary.files;
        summary.bytes += copied->bytes;
    }
    const auto elsewhere = data + "/control/database";
    if (const auto there = disk.exists(elsewhere); there && *there) {
        const auto where = disk.read_file(elsewhere);
        if (!where) return complain(where.error());
        summary.database = where->substr(0, where->find('\n'));
    }
    return summary;
}

}  // namespace meridian::app
