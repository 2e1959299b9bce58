// SQLite's files on a given Disk. One process owns a database at a time (a DirectoryLock sees to that), so locks and the
// write-ahead log's shared index live in memory here, and the same code runs on the real disk and on one that crashes.
#pragma once
#include <memory>
#include <string>

#include "base/disk.h"
#include "base/time.h"

namespace meridian::store {

class Vfs {
public:
    // Registered with SQLite under a name of its own while it lives. Every connection must be closed first.
    Vfs(Disk& disk, Clock& clock);
    ~Vfs();
    Vfs(const Vfs&) = delete;
    Vfs& operator=(const Vfs&) = delete;
    [[nodiscard]] const std::string& name() const;
    // What the disk said last when something failed; for the operator.
    [[nodiscard]] std::string last_error() const;

    struct State;

private:
    std::unique_ptr<State> state_;
};

}  // namespace meridian::store
