#include "base/sim/disk.h"

#include <stdexcept>

#include "base/sim/file.h"

namespace meridian::sim {
namespace {

using Kind = DiskError::Kind;

constexpr std::uint64_t endless = std::uint64_t{1} << 50;

std::vector<std::string> parts_of(const std::string& path) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at < path.size();) {
        const auto end = std::min(path.find('/', at), path.size());
        if (const auto part = path.substr(at, end - at); !part.empty() && part != ".") parts.push_back(part);
        at = end + 1;
    }
    return parts;
}

std::shared_ptr<Node> new_directory() {
    auto node = std::make_shared<Node>();
    node->is_directory = true;
    return node;
}

std::uint64_t bytes_under(const Node& node) {
    std::uint64_t sum = node.seen.size();
    for (const auto& [name, child] : node.names) sum += bytes_under(*child);
    return sum;
}

// Makes what is seen out of what is durable, or the other way round.
void settle(Node& node, SimDisk::Unsynced what, Rng& rng) {
    if (what == SimDisk::Unsynced::lost) node.seen = node.durable;
    if (what == SimDisk::Unsynced::torn) node.seen = torn(node, rng);
    node.durable = node.seen;
    node.unwritten.clear();
    node.names = node.durable_names;
    for (auto& [name, child] : node.names) settle(*child, what, rng);
}

class MemoryLock final : public DirectoryLock {
public:
    MemoryLock(std::weak_ptr<std::set<std::string>> held, std::string path) : held_(std::move(held)), path_(std::move(path)) {}
    ~MemoryLock() override {
        if (const auto held = held_.lock()) held->erase(path_);
    }

private:
    std::weak_ptr<std::set<std::string>> held_;  // a crash makes a new set, and this one has nothing left to release
    std::string path_;
};

}  // namespace

MemoryDisk::MemoryDisk(std::uint64_t seed)
    : rng_(seed), root_(new_directory()), locks_(std::make_shared<std::set<std::string>>()), lives_(std::make_shared<unsigned>(0)) {}

MemoryDisk::~MemoryDisk() { ++*lives_; }

std::shared_ptr<Node> MemoryDisk::find(const std::string& path) const {
    auto node = root_;
    for (const auto& part : parts_of(path)) {
        const auto child = node->names.find(part);
        if (child == node->names.end()) return nullptr;
        node = child->second;
    }
    return node;
}

std::optional<MemoryDisk::Place> MemoryDisk::place_of(const std::string& path) const {
    auto parts = parts_of(path);
    if (parts.empty()) return std::nullopt;
    const auto name = parts.back();
    auto node = root_;
    parts.pop_back();
    for (const auto& part : parts) {
        const auto child = node->names.find(part);
        if (child == node->names.end()) return std::nullopt;
        node = child->second;
    }
    if (!node->is_directory) return std::nullopt;
    return Place{node, name};
}

DiskResult<void> MemoryDisk::count_mutation(std::string_view doing, const std::string& path) {
    if (!failure_) return {};
    if (failure_->after > 0) {
        --failure_->after;
        return {};
    }
    const auto kind = failure_->kind;
    failure_.reset();
    return disk_error(kind, doing, path, "a failure that the test asked for");
}

void MemoryDisk::change(Renaming renaming) {
    if (renaming.from) renaming.from->directory->names.erase(renaming.from->name);
    if (renaming.to) renaming.to->directory->names[renaming.to->name] = renaming.node;
    unsynced_names_.push_back(std::move(renaming));
}

void MemoryDisk::make_durable(const Renaming& renaming) {
    if (renaming.from) renaming.from->directory->durable_names.erase(renaming.from->name);
    if (renaming.to) renaming.to->directory->durable_names[renaming.to->name] = renaming.node;
}

DiskResult<std::unique_ptr<File>> MemoryDisk::open(const std::string& path, Open how) {
    auto node = find(path);
    if (node && node->is_directory) return disk_error(Kind::io, "opening", path, "Is a directory");
    if (node && how == Open::create_new) return disk_error(Kind::exists, "opening", path, "File exists");
    if (!node) {
        const auto place = place_of(path);
        if (!place || how == Open::read || how == Open::write_existing)
            return disk_error(Kind::not_found, "opening", path, "No such file or directory");
        if (auto allowed = count_mutation("opening", path); !allowed) return std::unexpected(allowed.error());
        node = std::make_shared<Node>();
        change({std::nullopt, place, node});
    }
    return std::make_unique<MemoryFile>(*this, node, path, how == Open::read, lives_);
}

DiskResult<void> MemoryDisk::rename(const std::string& from, const std::string& to) {
    const auto source = find(from), target = find(to);
    const auto out_of = place_of(from), into = place_of(to);
    if (!source || !out_of || !into) return disk_error(Kind::not_found, "renaming", from, "No such file or directory");
    if (target && target->is_directory && !target->names.empty()) return disk_error(Kind::exists, "renaming", from, "Directory not empty");
    if (target && target->is_directory != source->is_directory)
        return disk_error(Kind::io, "renaming", from, "one is a directory and the other is not");
    if (auto allowed = count_mutation("renaming", from); !allowed) return allowed;
    if (source != target) change({out_of, into, source});
    return {};
}

DiskResult<void> MemoryDisk::remove(const std::string& path) {
    const auto node = find(path);
    const auto place = place_of(path);
    if (!node || !place) return disk_error(Kind::not_found, "removing", path, "No such file or directory");
    if (!node->names.empty()) return disk_error(Kind::exists, "removing", path, "Directory not empty");
    if (auto allowed = count_mutation("removing", path); !allowed) return allowed;
    change({place, std::nullopt, nullptr});
    return {};
}

DiskResult<void> MemoryDisk::make_directories(const std::string& path) {
    std::string reached;
    for (const auto& part : parts_of(path)) {
        reached += "/" + part;
        const auto node = find(reached);
        if (node && node->is_directory) continue;
        if (node) return disk_error(Kind::exists, "making the directory", reached, "File exists");
        if (auto allowed = count_mutation("making the directory", reached); !allowed) return allowed;
        change({std::nullopt, place_of(reached), new_directory()});
    }
    return {};
}

DiskResult<std::vector<std::string>> MemoryDisk::list(const std::string& path) {
    const auto node = find(path);
    if (!node || !node->is_directory) return disk_error(Kind::not_found, "listing", path, "No such directory");
    std::vector<std::string> names;
    for (const auto& [name, child] : node->names) names.push_back(name);
    return names;
}

DiskResult<bool> MemoryDisk::exists(const std::string& path) { return find(path) != nullptr; }

// Makes the changes of this directory's names durable, and with them the earlier ones of the same names elsewhere: a rename
// out of a directory cannot be on the disk before the file came into it.
DiskResult<void> MemoryDisk::sync_directory(const std::string& path) {
    const auto node = find(path);
    if (!node || !node->is_directory) return disk_error(Kind::not_found, "syncing the directory", path, "No such directory");
    if (auto allowed = count_mutation("syncing the directory", path); !allowed) return allowed;
    std::set<Place> covered;
    std::vector<Renaming> now, later;
    for (auto each = unsynced_names_.rbegin(); each != unsynced_names_.rend(); ++each) {
        const bool is_here = (each->from && each->from->directory == node) || (each->to && each->to->directory == node);
        if (!is_here && !each->touches(covered)) {
            later.push_back(*each);
            continue;
        }
        if (each->from) covered.insert(*each->from);
        if (each->to) covered.insert(*each->to);
        now.push_back(*each);
    }
    for (auto each = now.rbegin(); each != now.rend(); ++each) make_durable(*each);
    unsynced_names_.assign(later.rbegin(), later.rend());
    return {};
}

std::uint64_t MemoryDisk::used() const { return bytes_under(*root_); }

std::uint64_t MemoryDisk::room() const {
    if (!size_max_) return endless;
    const auto now = used();
    return now < *size_max_ ? *size_max_ - now : 0;
}

DiskResult<std::uint64_t> MemoryDisk::free_bytes(const std::string& path) {
    if (!find(path)) return disk_error(Kind::not_found, "measuring the free space of", path, "No such file or directory");
    return room();
}

DiskResult<std::unique_ptr<DirectoryLock>> MemoryDisk::lock(const std::string& path) {
    if (!find(path))
        if (auto made = open(path, Open::create); !made) return std::unexpected(made.error());
    if (!locks_->insert(path).second) return disk_error(Kind::busy, "locking", path, "somebody else holds it");
    return std::make_unique<MemoryLock>(locks_, path);
}

void MemoryDisk::crash(Unsynced what) {
    ++*lives_;
    locks_ = std::make_shared<std::set<std::string>>();
    auto kept = unsynced_names_.size();
    if (what == Unsynced::lost) kept = 0;
    if (what == Unsynced::torn) kept = rng_.below(kept + 1);
    for (std::size_t i = 0; i < kept; ++i) make_durable(unsynced_names_[i]);
    unsynced_names_.clear();
    settle(*root_, what, rng_);
}

void MemoryDisk::fill_up(std::optional<std::uint64_t> free_bytes) {
    size_max_ = free_bytes ? std::optional(used() + *free_bytes) : std::nullopt;
}

void MemoryDisk::fail_next(Kind kind, unsigned after_calls) { failure_ = {kind, after_calls}; }

void MemoryDisk::flip_bit(const std::string& path, std::uint64_t byte, unsigned bit) {
    const auto node = find(path);
    if (!node || byte >= node->seen.size() || bit > 7) throw std::logic_error("there is no such bit to flip in " + path);
    for (auto* bytes : {&node->seen, &node->durable})
        if (byte < bytes->size()) (*bytes)[byte] = static_cast<char>((*bytes)[byte] ^ (1 << bit));
}

}  // namespace meridian::sim
