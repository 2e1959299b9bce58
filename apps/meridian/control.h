// A process of the control plane without a zone: several of them beside one `meridian up` on the same PostgreSQL.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/expected.h"
#include "front.h"

namespace meridian::app {

struct ControlOptions {
    std::string data;      // with the installation's control/keys
    std::string database;  // URL of its PostgreSQL
    FrontOptions front;
    std::vector<std::string> egress;
    std::uint32_t loops = 0;  // 0: one a core
};

// Answers who may come in and what they may (identity) from the database by itself, and passes everything else on to the process that holds
// the zone. Revoked keys and changed policies reach it through the database's notifications.
class ControlProcess {
public:
    static expected<std::unique_ptr<ControlProcess>> open(const ControlOptions& options);
    virtual ~ControlProcess() = default;
    [[nodiscard]] virtual std::string url() const = 0;
    virtual expected<void> reload_certificate() = 0;
    virtual void drain() = 0;  // blocking
};

}  // namespace meridian::app
