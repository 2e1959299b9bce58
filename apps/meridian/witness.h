// `meridian witness`: an independent witness of logs as a server of its own.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/expected.h"

namespace meridian::app {

struct WitnessOptions {
    std::string directory;  // its key and what it has signed
    std::string listen = "127.0.0.1:8090";
    std::string name;               // "": made from its key
    std::vector<std::string> logs;  // verifier keys
};

class WitnessServer {
public:
    // Opens, checks and listens. The diagnostic is a sentence for the operator.
    static expected<std::unique_ptr<WitnessServer>> open(const WitnessOptions& options);
    virtual ~WitnessServer() = default;
    [[nodiscard]] virtual std::string url() const = 0;
    [[nodiscard]] virtual std::string verifier_key() const = 0;
    // Ends accepting and lets answers end. Blocking.
    virtual void drain() = 0;
};

}  // namespace meridian::app
