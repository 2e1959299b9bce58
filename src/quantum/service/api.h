// The routes of this room: QaaS v1alpha1, as the SDKs of Qiskit, PennyLane and Cirq call it.
#pragma once
#include "http/route.h"
#include "quantum/service/links.h"
#include "quantum/service/service.h"

namespace meridian::quantum::service {

// Links to results and models carry the host that the caller used.
void add_routes(http::Router& router, Quantum& quantum, const Links& links);

}  // namespace meridian::quantum::service
