// Routes of the program as a whole: health, metrics, status, backup, the API document and the page at "/".
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/disk.h"
#include "base/time.h"
#include "geography/types.h"
#include "http/route.h"
#include "http/server.h"
#include "inference/service.h"
#include "installation.h"
#include "metering/service.h"
#include "store/store.h"

namespace meridian::app {

struct SystemParts {
    Clock& clock;
    Disk& disk;
    Pool& pool;
    store::Store& store;
    metering::Meter& meter;
    Rng& rng;
    inference::Deployments& deployments;
    geography::ZoneFacts zone;
    Layout layout;
    std::function<std::string()> url;
    std::function<std::vector<const http::ServerCounters*>()> servers;
    std::function<std::vector<std::string>()> private_artifacts;
    std::function<bool()> ready;
};

void add_system_routes(http::Router& router, SystemParts parts);

}  // namespace meridian::app
