// Passes requests on to the process that can answer them, and its answers back as they come.
#pragma once
#include <functional>
#include <string>

#include "clients.h"
#include "http/route.h"

namespace meridian::app {

// Every path that no other route of this process takes goes to the URL that `to` names: "" where nobody says. It asks for no right: whoever
// answers does, of the credential that is passed on with the rest.
void add_forwarding(http::Router& router, Clients& clients, std::function<std::string()> to);

}  // namespace meridian::app
