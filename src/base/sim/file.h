// An open file of the disk in memory.
#pragma once
#include "base/sim/disk.h"

namespace meridian::sim {

std::unexpected<DiskError> disk_error(DiskError::Kind kind, std::string_view doing, const std::string& path, std::string_view why);

class MemoryFile final : public File {
public:
    MemoryFile(MemoryDisk& disk, std::shared_ptr<Node> node, std::string path, bool is_read_only, std::shared_ptr<unsigned> lives)
        : disk_(disk),
          node_(std::move(node)),
          path_(std::move(path)),
          is_read_only_(is_read_only),
          life_(*lives),
          lives_(std::move(lives)) {}

    DiskResult<std::size_t> read(std::uint64_t at, std::span<char> into) override;
    DiskResult<void> write(std::uint64_t at, std::string_view bytes) override;
    DiskResult<std::uint64_t> size() override;
    DiskResult<void> truncate(std::uint64_t size) override;
    DiskResult<void> sync() override;

private:
    DiskResult<void> alive(std::string_view doing) const;
    DiskResult<void> may_change(std::string_view doing);
    void record(Unwritten change);

    MemoryDisk& disk_;
    std::shared_ptr<Node> node_;
    std::string path_;
    bool is_read_only_;
    unsigned life_;
    std::shared_ptr<unsigned> lives_;  // shared: a file may outlive its disk, and then must know not to touch it
};

}  // namespace meridian::sim
