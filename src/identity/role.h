// What an API key is limited to.
#pragma once
#include "resource/fields.h"

namespace meridian::identity {

// A limit on what its bearer may: `admin` is none.
enum class Role { admin, inference, observer };
constexpr auto names(As<Role>) {
    return words<Role>({{Role::admin, "admin"}, {Role::inference, "inference"}, {Role::observer, "observer"}});
}

}  // namespace meridian::identity
