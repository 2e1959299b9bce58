// What has to be free or ours before Meridian starts: a port, a directory for sockets.
#pragma once
#include <optional>
#include <string>

#include "base/disk.h"
#include "base/expected.h"
#include "base/net.h"

namespace meridian::app {

// SO_REUSEPORT, which our own loops share a port by, would let a second Meridian in silently.
std::optional<Diagnostic> port_taken(const Address& at);

// Replicas serve on Unix sockets, whose paths have at most 107 bytes. Below a long data directory there is no room for them: then they
// get a short directory of their own, the same one after every restart.
expected<std::string> replica_directory(Disk& disk, const std::string& wished);

}  // namespace meridian::app
