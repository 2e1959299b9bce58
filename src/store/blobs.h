// Two blob stores. Artifacts are public bytes shared by digest (open weights); content belongs to one project in one zone
// (prompts kept on request, private weights, runtime logs) and is opened only through a key handle.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/disk.h"
#include "base/hash.h"
#include "base/id.h"

namespace meridian::store {

// Verified on the way in: a file is visible under its digest only when all of it is on the disk and the digest is right.
class ArtifactStore {
public:
    ArtifactStore(Disk& disk, std::string directory);

    class Writer {
    public:
        virtual ~Writer() = default;
        virtual void append(std::string_view bytes) = 0;  // throws Error (disk full, ...)
        // Throws Error{invalid} with code "digest_mismatch" when `wanted` is given and differs; nothing is kept then.
        virtual Sha256 commit(const Sha256* wanted) = 0;
    };
    std::unique_ptr<Writer> begin();
    [[nodiscard]] bool has(const Sha256& digest);
    // Path of the bytes below the store's directory, for mapping into a runtime.
    [[nodiscard]] std::string path(const Sha256& digest) const;
    [[nodiscard]] std::uint64_t size(const Sha256& digest);
    // Reads everything and compares; false when the bytes have rotted.
    bool check(const Sha256& digest, const std::function<void(std::uint64_t done)>& progress = {});
    void remove(const Sha256& digest);

private:
    void clear_once(const std::string& incoming);

    Disk& disk_;
    std::string directory_;  // holds "ab/cdef..." by digest, and "incoming/" for what is not whole yet
    std::mutex clearing_;
    std::unique_ptr<DirectoryLock> lock_;  // held from the first writer on
};

// What opens a project's content in one zone. Bytes are plain today; encryption comes behind this same handle.
class ContentHandle {
public:
    ContentHandle(ProjectId project, std::string zone) : project_(project), zone_(std::move(zone)) {}
    [[nodiscard]] const ProjectId& project() const { return project_; }
    [[nodiscard]] const std::string& zone() const { return zone_; }

private:
    ProjectId project_;
    std::string zone_;
};

class ContentStore {
public:
    ContentStore(Disk& disk, std::string directory, std::string zone);
    // `name` is a path of its own within the project: "replicas/<id>/log". Replaces. A handle of another zone is a bug.
    void put(const ContentHandle& key, std::string_view name, std::string_view bytes);
    std::string get(const ContentHandle& key, std::string_view name);  // Error{not_found}
    void remove(const ContentHandle& key, std::string_view name);
    // Of what lies in a folder, and of what a `put` that was interrupted has left there; `remove` takes either.
    std::vector<std::string> names(const ContentHandle& key, std::string_view folder);
    std::vector<ProjectId> projects();  // that have content, in order
    void erase_project(const ContentHandle& key);
    // For files that a child process writes itself (a runtime's log). Its directory may have to be made.
    std::string path_for(const ContentHandle& key, std::string_view name);

private:
    [[nodiscard]] std::string root_of(const ContentHandle& key) const;

    Disk& disk_;
    std::string directory_, zone_;  // a project's content lies under directory/zone/project
};

}  // namespace meridian::store
