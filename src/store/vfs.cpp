#include "store/vfs.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "base/error.h"

namespace meridian::store {
namespace {

struct FileState;

// What the connections to one file share: its locks, and the index of its write-ahead log.
struct Shared {
    int readers = 0;  // connections at `shared` or above
    const FileState* reserved = nullptr;
    const FileState* pending = nullptr;
    const FileState* exclusive = nullptr;

    struct Slot {
        int shared = 0;
        bool exclusive = false;
    };
    std::array<Slot, SQLITE_SHM_NLOCK> slots;
    std::vector<std::unique_ptr<char[]>> regions;
    int mapped = 0;  // connections that use the regions
};

}  // namespace

struct Vfs::State {
    Disk& disk;
    Clock& clock;
    std::string name = {};
    sqlite3_vfs native{};
    sqlite3_vfs* system = nullptr;  // for randomness and the short sleeps of SQLite's own retries

    std::mutex mutex = {};  // guards everything below and all Shared
    std::map<std::string, std::weak_ptr<Shared>> files = {};
    std::string last_error = {};

    std::shared_ptr<Shared> shared(const std::string& path) {
        const std::lock_guard lock(mutex);
        auto& known = files[path];
        auto found = known.lock();
        if (!found) known = found = std::make_shared<Shared>();
        std::erase_if(files, [](const auto& entry) { return entry.second.expired(); });
        return found;
    }

    // A disk's error as SQLite's; `otherwise` is the code for what has no code of its own.
    int code(const DiskError& error, int otherwise) {
        {
            const std::lock_guard lock(mutex);
            last_error = error.said;
        }
        switch (error.kind) {
            case DiskError::Kind::full:
                return SQLITE_FULL;
            case DiskError::Kind::read_only:
                return SQLITE_READONLY;
            case DiskError::Kind::denied:
                return otherwise == SQLITE_CANTOPEN ? SQLITE_CANTOPEN : SQLITE_READONLY;
            case DiskError::Kind::not_found:
            case DiskError::Kind::exists:
            case DiskError::Kind::busy:
            case DiskError::Kind::io:
                return otherwise;
        }
        return otherwise;
    }
};

namespace {

struct FileState {
    Vfs::State& vfs;
    std::unique_ptr<File> file;
    std::string path;
    std::shared_ptr<Shared> shared;
    bool is_new = false;  // its directory entry is made durable with its first sync
    bool delete_on_close = false;
    int lock = SQLITE_LOCK_NONE;
    bool mapped = false;
    unsigned shm_shared = 0, shm_exclusive = 0;  // bits of the slots held
};

// SQLite allocates this much for every file and frees it after close.
struct NativeFile {
    sqlite3_file base;
    FileState* state;
};

FileState& state_of(sqlite3_file* file) { return *reinterpret_cast<NativeFile*>(file)->state; }
Vfs::State& state_of(sqlite3_vfs* vfs) { return *static_cast<Vfs::State*>(vfs->pAppData); }

// --- files

int close_file(sqlite3_file* native) {
    auto& f = state_of(native);
    native->pMethods->xUnlock(native, SQLITE_LOCK_NONE);
    if (f.mapped) native->pMethods->xShmUnmap(native, 0);
    f.file.reset();
    if (f.delete_on_close) (void)f.vfs.disk.remove(f.path);
    delete &f;
    return SQLITE_OK;
}

int read_file(sqlite3_file* native, void* into, int size, sqlite3_int64 at) {
    auto& f = state_of(native);
    const std::span<char> bytes(static_cast<char*>(into), static_cast<std::size_t>(size));
    const auto got = f.file->read(static_cast<std::uint64_t>(at), bytes);
    if (!got) return f.vfs.code(got.error(), SQLITE_IOERR_READ);
    if (*got == bytes.size()) return SQLITE_OK;
    std::ranges::fill(bytes.subspan(*got), '\0');  // SQLite counts on it
    return SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* native, const void* from, int size, sqlite3_int64 at) {
    auto& f = state_of(native);
    const auto done = f.file->write(static_cast<std::uint64_t>(at), {static_cast<const char*>(from), static_cast<std::size_t>(size)});
    return done ? SQLITE_OK : f.vfs.code(done.error(), SQLITE_IOERR_WRITE);
}

int truncate_file(sqlite3_file* native, sqlite3_int64 size) {
    auto& f = state_of(native);
    const auto done = f.file->truncate(static_cast<std::uint64_t>(size));
    return done ? SQLITE_OK : f.vfs.code(done.error(), SQLITE_IOERR_TRUNCATE);
}

int sync_file(sqlite3_file* native, int) {
    auto& f = state_of(native);
    if (const auto done = f.file->sync(); !done) return f.vfs.code(done.error(), SQLITE_IOERR_FSYNC);
    if (!f.is_new) return SQLITE_OK;
    if (const auto done = f.vfs.disk.sync_directory(parent_of(f.path)); !done) return f.vfs.code(done.error(), SQLITE_IOERR_DIR_FSYNC);
    f.is_new = false;
    return SQLITE_OK;
}

int size_of_file(sqlite3_file* native, sqlite3_int64* size) {
    auto& f = state_of(native);
    const auto found = f.file->size();
    if (!found) return f.vfs.code(found.error(), SQLITE_IOERR_FSTAT);
    *size = static_cast<sqlite3_int64>(*found);
    return SQLITE_OK;
}

// --- locks between connections of this process, as SQLite's documentation of xLock asks

int lock_file(sqlite3_file* native, int level) {
    auto& f = state_of(native);
    const std::lock_guard guard(f.vfs.mutex);
    auto& s = *f.shared;
    const auto others = [&](const FileState* holder) { return holder != nullptr && holder != &f; };
    if (f.lock >= level) return SQLITE_OK;
    if (level == SQLITE_LOCK_SHARED) {
        if (others(s.pending) || others(s.exclusive)) return SQLITE_BUSY;
        ++s.readers;
        f.lock = SQLITE_LOCK_SHARED;
        return SQLITE_OK;
    }
    if (others(s.reserved) || others(s.pending) || others(s.exclusive)) return SQLITE_BUSY;
    if (level == SQLITE_LOCK_RESERVED) {
        s.reserved = &f;
        f.lock = SQLITE_LOCK_RESERVED;
        return SQLITE_OK;
    }
    s.pending = &f;  // keeps new readers out while the present ones finish
    f.lock = SQLITE_LOCK_PENDING;
    if (s.readers > 1) return SQLITE_BUSY;
    s.exclusive = &f;
    f.lock = SQLITE_LOCK_EXCLUSIVE;
    return SQLITE_OK;
}

int unlock_file(sqlite3_file* native, int level) {
    auto& f = state_of(native);
    const std::lock_guard guard(f.vfs.mutex);
    auto& s = *f.shared;
    if (f.lock > SQLITE_LOCK_SHARED) {
        for (const FileState** holder : {&s.reserved, &s.pending, &s.exclusive})
            if (*holder == &f) *holder = nullptr;
        f.lock = SQLITE_LOCK_SHARED;
    }
    if (level == SQLITE_LOCK_NONE && f.lock == SQLITE_LOCK_SHARED) {
        --s.readers;
        f.lock = SQLITE_LOCK_NONE;
    }
    return SQLITE_OK;
}

int check_reserved(sqlite3_file* native, int* is_reserved) {
    auto& f = state_of(native);
    const std::lock_guard guard(f.vfs.mutex);
    const auto& s = *f.shared;
    *is_reserved = s.reserved != nullptr || s.pending != nullptr || s.exclusive != nullptr;
    return SQLITE_OK;
}

// --- the index of the write-ahead log

int map_shm(sqlite3_file* native, int region, int size, int extend, void volatile** out) {
    auto& f = state_of(native);
    const std::lock_guard guard(f.vfs.mutex);
    auto& s = *f.shared;
    if (!f.mapped) {
        f.mapped = true;
        ++s.mapped;
    }
    const auto index = static_cast<std::size_t>(region);
    while (extend != 0 && s.regions.size() <= index) s.regions.push_back(std::make_unique<char[]>(static_cast<std::size_t>(size)));
    *out = index < s.regions.size() ? s.regions[index].get() : nullptr;
    return SQLITE_OK;
}

int lock_shm(sqlite3_file* native, int first, int count, int flags) {
    auto& f = state_of(native);
    const std::lock_guard guard(f.vfs.mutex);
    const auto slots = std::span(f.shared->slots).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
    const auto bit = [&](std::size_t i) { return 1u << (static_cast<std::size_t>(first) + i); };
    if (flags & SQLITE_SHM_UNLOCK) {
        for (std::size_t i = 0; i < slots.size(); ++i) {
            if (f.shm_exclusive & bit(i)) slots[i].exclusive = false;
            if (f.shm_shared & bit(i)) --slots[i].shared;
            f.shm_exclusive &= ~bit(i);
            f.shm_shared &= ~bit(i);
        }
        return SQLITE_OK;
    }
    const bool wants_exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    for (std::size_t i = 0; i < slots.size(); ++i) {
        const bool own_shared = (f.shm_shared & bit(i)) != 0, own_exclusive = (f.shm_exclusive & bit(i)) != 0;
        if (slots[i].exclusive && !own_exclusive) return SQLITE_BUSY;
        if (wants_exclusive && slots[i].shared > (own_shared ? 1 : 0)) return SQLITE_BUSY;
    }
    for (std::size_t i = 0; i < slots.size(); ++i) {
        if (wants_exclusive) {
            slots[i].exclusive = true;
            f.shm_exclusive |= bit(i);
        } else if (!(f.shm_shared & bit(i))) {
            ++slots[i].shared;
            f.shm_shared |= bit(i);
        }
    }
    return SQLITE_OK;
}

void shm_barrier(sqlite3_file* native) { const std::lock_guard guard(state_of(native).vfs.mutex); }

// The last one to leave takes the index along; the next one rebuilds it from the log.
int unmap_shm(sqlite3_file* native, int) {
    auto& f = state_of(native);
    const std::lock_guard guard(f.vfs.mutex);
    auto& s = *f.shared;
    for (std::size_t i = 0; i < s.slots.size(); ++i) {
        if (f.shm_exclusive & (1u << i)) s.slots[i].exclusive = false;
        if (f.shm_shared & (1u << i)) --s.slots[i].shared;
    }
    f.shm_shared = f.shm_exclusive = 0;
    if (f.mapped && --s.mapped == 0) s.regions.clear();
    f.mapped = false;
    return SQLITE_OK;
}

const sqlite3_io_methods file_methods = {
    .iVersion = 2,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = size_of_file,
    .xLock = lock_file,
    .xUnlock = unlock_file,
    .xCheckReservedLock = check_reserved,
    .xFileControl = [](sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; },
    .xSectorSize = [](sqlite3_file*) { return 4096; },
    .xDeviceCharacteristics = [](sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; },
    .xShmMap = map_shm,
    .xShmLock = lock_shm,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = unmap_shm,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

// --- the file system

Disk::Open how_to_open(int flags) {
    if (flags & SQLITE_OPEN_READONLY) return Disk::Open::read;
    if (!(flags & SQLITE_OPEN_CREATE)) return Disk::Open::write_existing;
    return flags & SQLITE_OPEN_EXCLUSIVE ? Disk::Open::create_new : Disk::Open::create;
}

int open_file(sqlite3_vfs* native, sqlite3_filename name, sqlite3_file* file, int flags, int* flags_out) {
    auto& vfs = state_of(native);
    file->pMethods = nullptr;
    if (name == nullptr) return SQLITE_CANTOPEN;  // a temporary file: ours are in memory (pragma temp_store)
    const std::string path = name;
    const auto was_there = vfs.disk.exists(path);
    auto opened = vfs.disk.open(path, how_to_open(flags));
    if (!opened) return vfs.code(opened.error(), SQLITE_CANTOPEN);
    auto* state = new FileState{.vfs = vfs, .file = std::move(*opened), .path = path, .shared = vfs.shared(path)};
    state->is_new = !was_there.value_or(false);
    state->delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
    reinterpret_cast<NativeFile*>(file)->state = state;
    file->pMethods = &file_methods;
    if (flags_out != nullptr) *flags_out = flags;
    return SQLITE_OK;
}

int delete_file(sqlite3_vfs* native, const char* name, int sync) {
    auto& vfs = state_of(native);
    const std::string path = name;
    if (const auto done = vfs.disk.remove(path); !done) {
        return done.error().kind == DiskError::Kind::not_found ? SQLITE_IOERR_DELETE_NOENT : vfs.code(done.error(), SQLITE_IOERR_DELETE);
    }
    if (sync == 0) return SQLITE_OK;
    const auto done = vfs.disk.sync_directory(parent_of(path));
    return done ? SQLITE_OK : vfs.code(done.error(), SQLITE_IOERR_DIR_FSYNC);
}

int access_file(sqlite3_vfs* native, const char* name, int, int* result) {
    auto& vfs = state_of(native);
    const auto found = vfs.disk.exists(name);
    if (!found) return vfs.code(found.error(), SQLITE_IOERR_ACCESS);
    *result = *found ? 1 : 0;
    return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* name, int size, char* out) {
    const std::size_t length = std::strlen(name);
    if (length >= static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
    std::memcpy(out, name, length + 1);  // the Disk's paths are taken as they are
    return SQLITE_OK;
}

int randomness(sqlite3_vfs* native, int size, char* out) {
    auto* system = state_of(native).system;
    return system->xRandomness(system, size, out);
}

int sleep(sqlite3_vfs* native, int microseconds) {
    auto* system = state_of(native).system;
    return system->xSleep(system, microseconds);
}

int current_time_milliseconds(sqlite3_vfs* native, sqlite3_int64* julian) {
    constexpr sqlite3_int64 julian_of_1970 = 210'866'760'000'000;
    *julian = julian_of_1970 + state_of(native).clock.now().time_since_epoch().count() / 1000;
    return SQLITE_OK;
}

}  // namespace

Vfs::Vfs(Disk& disk, Clock& clock) : state_(new State{.disk = disk, .clock = clock}) {
    static std::atomic<unsigned> count = 0;
    state_->name = fmt::format("meridian-{}", ++count);
    state_->system = sqlite3_vfs_find(nullptr);
    MERIDIAN_ASSERT(state_->system != nullptr);
    auto& n = state_->native;
    n.iVersion = 2;
    n.szOsFile = sizeof(NativeFile);
    n.mxPathname = 1024;
    n.zName = state_->name.c_str();
    n.pAppData = state_.get();
    n.xOpen = open_file;
    n.xDelete = delete_file;
    n.xAccess = access_file;
    n.xFullPathname = full_path;
    n.xRandomness = randomness;
    n.xSleep = sleep;
    n.xCurrentTimeInt64 = current_time_milliseconds;  // asked before xCurrentTime, which is therefore absent
    n.xGetLastError = [](sqlite3_vfs*, int, char*) { return 0; };
    MERIDIAN_ASSERT(sqlite3_vfs_register(&n, 0) == SQLITE_OK);
}

Vfs::~Vfs() { sqlite3_vfs_unregister(&state_->native); }

const std::string& Vfs::name() const { return state_->name; }

std::string Vfs::last_error() const {
    const std::lock_guard lock(state_->mutex);
    return state_->last_error;
}

}  // namespace meridian::store
