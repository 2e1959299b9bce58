// The blocking half of the process driver: directories, specifications, starting a shim. Runs on a pool.
#pragma once
#include <string>
#include <vector>

#include "base/disk.h"
#include "base/expected.h"
#include "fleet/process/spec.h"
#include "fleet/service.h"

namespace meridian::fleet {

// {socket}, {secret_file}, {directory} and {secret} in a word; arguments do not get {secret}, since everybody can list them.
enum class Secrets { hidden, shown };
std::string expanded(std::string word, const ReplicaPaths& at, std::string_view secret, Secrets secrets);

// A short name of a replica's directory: the random end of its id, because a Unix socket's path has few bytes.
std::string short_name(const ReplicaId& id);

ShimSpec spec_of(const Launch& launch, const ReplicaPaths& at, const ProcessDriverOptions& options, std::string secret, std::string token);

// Makes the directory, writes the secret and the specification, starts the shim, and returns when it can be claimed.
expected<void> launch(Disk& disk, const std::string& shim_program, const ReplicaPaths& at, const ShimSpec& spec);
// Starts the shim of a directory that is ready: after one that died.
expected<void> start_shim(const std::string& shim_program, const ReplicaPaths& at);
// Removes a directory whose shim has ended, and its control group.
void clean_up(const ReplicaPaths& at);

struct Found {
    ReplicaPaths at;
    ShimSpec spec;
    ReplicaId id;
};
// The replicas of an earlier Meridian, dead or alive. One whose specification cannot be read is cleaned up.
std::vector<Found> found_in(Disk& disk, const std::string& directory);

// The next fencing number: each Meridian of a directory has a higher one than all before, `above` included.
expected<std::uint64_t> next_number(Disk& disk, const std::string& directory, std::uint64_t above);

}  // namespace meridian::fleet
