// The routes of this room: Scaleway's inference/v1 (scaleway.cpp), OpenAI's /v1 (openai.cpp), our own additions (native.cpp).
#pragma once
#include <functional>
#include <string>

#include "catalog/service.h"
#include "http/route.h"
#include "inference/gateway.h"
#include "inference/service.h"
#include "store/blobs.h"

namespace meridian::inference {

void add_scaleway_routes(http::Router& router, Deployments& deployments, const catalog::Catalog& catalog, std::string public_url);
void add_openai_routes(http::Router& router, Gateway& gateway);
// The data of a secret, for a caller who may access it. Error{not_found}.
using SecretOf = std::function<Task<std::string>(identity::Caller, Uuid)>;
// `disk` and `pool` read runtime logs and key files that an operator names.
void add_native_routes(http::Router& router, Deployments& deployments, catalog::Catalog& catalog, store::ContentStore& content,
                       store::Store& store, Disk& disk, SecretOf secret_of);

}  // namespace meridian::inference
