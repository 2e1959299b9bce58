#include "store/blobs.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/log.h"

namespace meridian::store {
namespace {

constexpr std::size_t read_bytes = 1 << 20;
constexpr std::size_t name_bytes_max = 512;
// Disk::replace_file writes "NAME.new" first, which must not be somebody's content.
constexpr std::string_view unfinished = ".new";

template <class T>
T need(DiskResult<T> result, std::string_view doing) {
    if (!result) raise(result.error(), doing);
    if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// A file under a name that nobody looks for until it is whole.
class ArtifactWriter final : public ArtifactStore::Writer {
public:
    ArtifactWriter(Disk& disk, const ArtifactStore& store, std::string path, std::unique_ptr<File> file)
        : disk_(disk), store_(store), path_(std::move(path)), file_(std::move(file)) {}
    ~ArtifactWriter() override { give_up(); }

    void append(std::string_view bytes) override {
        MERIDIAN_ASSERT(file_ != nullptr);
        need(file_->write(written_, bytes), "keeping an artifact");
        digest_.add(bytes);
        written_ += bytes.size();
    }

    Sha256 commit(const Sha256* wanted) override {
        MERIDIAN_ASSERT(file_ != nullptr);
        const Sha256 digest = digest_.finish();
        if (wanted != nullptr && digest != *wanted) {
            give_up();
            throw Error(Fault::invalid,
                        "The file is not the one that was announced: its SHA-256 differs. Nothing of it was kept; fetch it again.",
                        fmt::format("wanted {}, got {}, {} bytes", hex(*wanted), hex(digest), written_))
                .with_code("digest_mismatch");
        }
        need(file_->sync(), "keeping an artifact");
        const std::string to = store_.path(digest);
        need(disk_.make_durable_directories(parent_of(to)), "keeping an artifact");
        need(disk_.rename(path_, to), "keeping an artifact");
        file_.reset();
        need(disk_.sync_directory(parent_of(to)), "keeping an artifact");
        return digest;
    }

private:
    void give_up() {
        if (!file_) return;
        file_.reset();
        if (const auto done = disk_.remove(path_); !done) log::warn("store", "an unfinished artifact stays behind: {}", done.error().said);
    }

    Disk& disk_;
    const ArtifactStore& store_;
    std::string path_;
    std::unique_ptr<File> file_;
    Sha256Stream digest_;
    std::uint64_t written_ = 0;
};

// Calls `use` with the bytes of the file, piece by piece.
void read_through(File& file, const std::function<void(std::string_view)>& use) {
    std::vector<char> piece(read_bytes);
    for (std::uint64_t at = 0;;) {
        const std::size_t got = need(file.read(at, piece), "reading an artifact");
        use({piece.data(), got});
        at += got;
        if (got < piece.size()) return;
    }
}

// Removing goes first: what is no directory, or a link to one, must not be walked into.
void remove_tree(Disk& disk, const std::string& path) {
    const auto removed = disk.remove(path);
    if (removed || removed.error().kind == DiskError::Kind::not_found) return;
    for (const auto& name : need(disk.list(path), "erasing a project's content")) remove_tree(disk, path + "/" + name);
    need(disk.remove(path), "erasing a project's content");
}

bool is_good_segment(std::string_view segment) {
    if (segment.empty() || segment == "." || segment == "..") return false;
    return std::ranges::all_of(segment, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    });
}

bool is_good_name(std::string_view name) {
    if (name.size() > name_bytes_max || name.ends_with(unfinished)) return false;
    for (std::size_t at = 0;;) {
        const auto slash = name.find('/', at);
        if (!is_good_segment(name.substr(at, slash == std::string_view::npos ? slash : slash - at))) return false;
        if (slash == std::string_view::npos) return true;
        at = slash + 1;
    }
}

}  // namespace

ArtifactStore::ArtifactStore(Disk& disk, std::string directory) : disk_(disk), directory_(std::move(directory)) {}

std::unique_ptr<ArtifactStore::Writer> ArtifactStore::begin() {
    const std::string incoming = directory_ + "/incoming";
    need(disk_.make_durable_directories(incoming), "keeping an artifact");
    clear_once(incoming);
    static std::atomic<std::uint64_t> count = 0;
    for (;;) {
        std::string path = fmt::format("{}/{}", incoming, ++count);
        auto file = disk_.open(path, Disk::Open::create_new);
        if (file) return std::make_unique<ArtifactWriter>(disk_, *this, std::move(path), std::move(*file));
        if (file.error().kind != DiskError::Kind::exists) raise(file.error(), "keeping an artifact");
    }
}

// What an earlier process did not finish. Whoever holds the lock is the only one who could be writing there.
void ArtifactStore::clear_once(const std::string& incoming) {
    const std::lock_guard guard(clearing_);
    if (lock_) return;
    auto lock = disk_.lock(directory_ + "/lock");
    if (!lock) return;
    lock_ = std::move(*lock);
    for (const auto& name : need(disk_.list(incoming), "keeping an artifact"))
        need(disk_.remove(incoming + "/" + name), "keeping an artifact");
}

bool ArtifactStore::has(const Sha256& digest) { return need(disk_.exists(path(digest)), "looking for an artifact"); }

std::string ArtifactStore::path(const Sha256& digest) const {
    const std::string name = hex(digest);
    return fmt::format("{}/{}/{}", directory_, std::string_view(name).substr(0, 2), std::string_view(name).substr(2));
}

std::uint64_t ArtifactStore::size(const Sha256& digest) {
    const auto file = need(disk_.open(path(digest), Disk::Open::read), "reading an artifact");
    return need(file->size(), "reading an artifact");
}

bool ArtifactStore::check(const Sha256& digest, const std::function<void(std::uint64_t done)>& progress) {
    const auto file = need(disk_.open(path(digest), Disk::Open::read), "reading an artifact");
    Sha256Stream found;
    std::uint64_t done = 0;
    read_through(*file, [&](std::string_view bytes) {
        found.add(bytes);
        done += bytes.size();
        if (progress) progress(done);
    });
    return found.finish() == digest;
}

void ArtifactStore::remove(const Sha256& digest) {
    const auto removed = disk_.remove(path(digest));
    if (!removed && removed.error().kind != DiskError::Kind::not_found) raise(removed.error(), "removing an artifact");
}

ContentStore::ContentStore(Disk& disk, std::string directory, std::string zone)
    : disk_(disk), directory_(std::move(directory)), zone_(std::move(zone)) {}

std::string ContentStore::root_of(const ContentHandle& key) const {
    MERIDIAN_ASSERT(key.zone() == zone_);
    return fmt::format("{}/{}/{}", directory_, zone_, key.project().str());
}

std::string ContentStore::path_for(const ContentHandle& key, std::string_view name) {
    const std::string root = root_of(key);
    if (!is_good_name(name))
        throw Error(Fault::invalid, "A name of content is made of letters, digits, '.', '_', '-', with single slashes between its parts.");
    return fmt::format("{}/{}", root, name);
}

void ContentStore::put(const ContentHandle& key, std::string_view name, std::string_view bytes) {
    const std::string path = path_for(key, name);
    need(disk_.make_durable_directories(parent_of(path)), "writing content");
    need(disk_.replace_file(path, bytes), "writing content");
}

std::string ContentStore::get(const ContentHandle& key, std::string_view name) {
    auto bytes = disk_.read_file(path_for(key, name));
    if (bytes) return std::move(*bytes);
    if (bytes.error().kind == DiskError::Kind::not_found) throw Error(Fault::not_found, "There is no such content.");
    raise(bytes.error(), "reading content");
}

void ContentStore::remove(const ContentHandle& key, std::string_view name) {
    const std::string path = path_for(key, name);
    auto removed = disk_.remove(path);
    if (!removed && removed.error().kind == DiskError::Kind::not_found) removed = disk_.remove(path + std::string(unfinished));
    if (!removed && removed.error().kind != DiskError::Kind::not_found) raise(removed.error(), "removing content");
}

std::vector<std::string> ContentStore::names(const ContentHandle& key, std::string_view folder) {
    auto names = disk_.list(path_for(key, folder));
    if (!names && names.error().kind == DiskError::Kind::not_found) return {};
    if (!names) raise(names.error(), "listing content");
    for (auto& name : *names)
        if (name.ends_with(unfinished)) name.resize(name.size() - unfinished.size());
    std::ranges::sort(*names);
    names->erase(std::ranges::unique(*names).begin(), names->end());
    return *std::move(names);
}

std::vector<ProjectId> ContentStore::projects() {
    const auto names = disk_.list(fmt::format("{}/{}", directory_, zone_));
    if (!names && names.error().kind == DiskError::Kind::not_found) return {};
    if (!names) raise(names.error(), "listing content");
    std::vector<ProjectId> made;
    for (const auto& name : *names)
        if (const auto id = ProjectId::parse(name)) made.push_back(*id);
    return made;
}

void ContentStore::erase_project(const ContentHandle& key) {
    const std::string root = root_of(key);
    remove_tree(disk_, root);
    if (need(disk_.exists(parent_of(root)), "erasing a project's content"))
        need(disk_.sync_directory(parent_of(root)), "erasing a project's content");
}

}  // namespace meridian::store
