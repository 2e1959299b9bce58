// What the data of a secret has to look like, by its type.
#pragma once
#include <string_view>

#include "secrets/types.h"

namespace meridian::secrets {

// Error{invalid} about `data`, without a word of it.
void check_payload(SecretType type, std::string_view data);

}  // namespace meridian::secrets
