#include "catalog/convert.h"

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "catalog/python.h"

namespace meridian::catalog {
namespace {

namespace files = std::filesystem;

constexpr std::chrono::minutes libraries_time_max{30};
constexpr std::chrono::minutes conversion_time_max{30};

std::string_view converter(Conversion by) {
    switch (by) {
        case Conversion::bert:
            return converter_bert;
    }
    MERIDIAN_ASSERT(!"a conversion without a converter");
}

std::string written(const PackageFetch& what, const files::path& path, std::string_view text) {
    std::ofstream out(path, std::ios::binary);
    if (!(out << text).flush()) {
        fail_package(what.source, "converted", "The temporary directory is full. Free some space, or set TMPDIR to a larger disk.");
    }
    return path.string();
}

}  // namespace

std::string convert_package(const PackageFetch& what, const std::string& archive, const std::string& workplace) {
    MERIDIAN_ASSERT(what.source.convert);
    const files::path place(workplace);
    const auto modules = (place / "modules").string();
    const auto out = (place / what.artifact.name).string();
    const auto look = [&] {
        std::error_code not_yet;
        const auto size = files::file_size(out, not_yet);
        if (what.progress)
            what.progress({Phase::converting, not_yet ? 0 : std::min<std::uint64_t>(size, what.artifact.bytes), what.artifact.bytes});
        return !what.stop.load();
    };
    const auto wanted = written(what, place / "requirements.txt", converter_requirements);
    run_python({.source = what.source,
                .deed = "converted",
                .arguments = {"-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes", "--target",
                              modules, "--requirement", wanted},
                .workplace = workplace,
                .time_max = libraries_time_max,
                .look = look});
    const auto script = written(what, place / "convert.py", converter(*what.source.convert));
    run_python({.source = what.source,
                .deed = "converted",
                .arguments = {script, archive, what.source.member, files::path(what.artifact.name).stem().string(), out},
                .workplace = workplace,
                .modules = modules,
                .time_max = conversion_time_max,
                .look = look});
    return out;
}

}  // namespace meridian::catalog
