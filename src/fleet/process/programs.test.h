// The second lives of the test program (programs.test.cpp).
#pragma once
#include <string>

namespace meridian::fleet {

// Starts a replica in `directory`, says its process id on standard output, and waits for its end by force.
int doomed_meridian(const std::string& directory);

}  // namespace meridian::fleet
