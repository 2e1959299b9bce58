// A GGUF file of the operator's own: what it is, and its way into the artifact store.
#pragma once
#include <functional>
#include <string>

#include "base/disk.h"
#include "catalog/service.h"
#include "store/blobs.h"

namespace meridian::catalog {

// Blocking. Error{invalid} when the file is not a GGUF model.
GgufFacts read_facts(Disk& disk, const std::string& path);
// The model that `what` asks for, without id, times and artifact. Pure; Error{invalid} names what does not fit the file.
Model planned_from(const AddFile& what, const GgufFacts& facts);
std::string file_name_of(const std::string& path);
// Blocking. Copies the file; with `wanted`, Error{unavailable} "digest_mismatch" when it is no longer the same.
Sha256 copy_in(Disk& disk, store::ArtifactStore& artifacts, const std::string& path, const Sha256* wanted,
               const std::function<void(std::uint64_t done, std::uint64_t total)>& tell);

}  // namespace meridian::catalog
