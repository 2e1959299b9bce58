// A disk in memory that remembers what was synced. A tree of nodes; every directory and file has two faces, the one that
// programs see and the one that survives a power cut.
#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/rng.h"
#include "base/sim/world.h"

namespace meridian::sim {

// One change to a file that is not synced yet.
struct Unwritten {
    std::uint64_t at = 0;  // of a write; the new size of a truncation
    std::string bytes;
    bool is_truncation = false;
};

struct Node {
    bool is_directory = false;
    std::string seen, durable;                                          // of a file
    std::vector<Unwritten> unwritten;                                   // what leads from `durable` to `seen`
    std::map<std::string, std::shared_ptr<Node>> names, durable_names;  // of a directory
};

void change_bytes(const Unwritten& change, std::string& bytes);
// What a power cut leaves of the file, by the luck of `rng`.
std::string torn(const Node& file, Rng& rng);

class MemoryDisk final : public SimDisk {
public:
    explicit MemoryDisk(std::uint64_t seed);
    ~MemoryDisk() override;

    DiskResult<std::unique_ptr<File>> open(const std::string& path, Open how) override;
    DiskResult<void> rename(const std::string& from, const std::string& to) override;
    DiskResult<void> remove(const std::string& path) override;
    DiskResult<void> make_directories(const std::string& path) override;
    DiskResult<std::vector<std::string>> list(const std::string& path) override;
    DiskResult<bool> exists(const std::string& path) override;
    DiskResult<void> sync_directory(const std::string& path) override;
    DiskResult<std::uint64_t> free_bytes(const std::string& path) override;
    DiskResult<std::unique_ptr<DirectoryLock>> lock(const std::string& path) override;

    void crash(Unsynced what) override;
    void fill_up(std::optional<std::uint64_t> free_bytes) override;
    void fail_next(DiskError::Kind kind, unsigned after_calls) override;
    void flip_bit(const std::string& path, std::uint64_t byte, unsigned bit) override;

private:
    friend class MemoryFile;
    using Names = std::map<std::string, std::shared_ptr<Node>>;
    struct Place {  // a name in a directory
        std::shared_ptr<Node> directory;
        std::string name;
        auto operator<=>(const Place&) const = default;
    };
    // A change of names that no directory sync covered yet: take one away, put one there, or both at once (a rename).
    struct Renaming {
        std::optional<Place> from, to;
        std::shared_ptr<Node> node;
        [[nodiscard]] bool touches(const std::set<Place>& places) const {
            return (from && places.contains(*from)) || (to && places.contains(*to));
        }
    };
    struct Failure {
        DiskError::Kind kind;
        unsigned after;
    };

    std::shared_ptr<Node> find(const std::string& path) const;
    std::optional<Place> place_of(const std::string& path) const;  // nothing when its directory does not exist
    DiskResult<void> count_mutation(std::string_view doing, const std::string& path);
    void change(Renaming renaming);
    static void make_durable(const Renaming& renaming);
    std::uint64_t used() const;
    std::uint64_t room() const;

    SeededRng rng_;
    std::shared_ptr<Node> root_;
    std::vector<Renaming> unsynced_names_;
    std::optional<std::uint64_t> size_max_;
    std::optional<Failure> failure_;
    std::shared_ptr<std::set<std::string>> locks_;
    std::shared_ptr<unsigned> lives_;  // how many crashes there were; a file of an earlier life is dead
};

}  // namespace meridian::sim
