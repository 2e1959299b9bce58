// One run of Python for a package: the registry's ordinary client, or our converter. Its failures are told in sentences.
#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/service.h"

namespace meridian::catalog {

inline constexpr std::string_view stopping = "Meridian is stopping; it goes on at the next start.";

struct PythonRun {
    const PackageSource& source;
    std::string_view deed;  // what failed when it fails: "fetched", "converted"
    std::vector<std::string> arguments;
    std::string workplace;     // for temporary files
    std::string modules = {};  // a directory of modules that stands before all others
    std::chrono::milliseconds time_max;
    std::function<bool()> look;  // called now and then; false ends it
};
// Blocking. Throws Error{unavailable} with code "fetch_failed" unless Python ends with 0.
void run_python(const PythonRun& what);

// "The package X 1.0 could not be fetched. WHY"
[[noreturn]] void fail_package(const PackageSource& source, std::string_view deed, std::string_view why, std::string logged = {});

}  // namespace meridian::catalog
