// The words of the catalogue: what a model may be called, and the id that a shipped name has everywhere.
#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

#include "base/id.h"
#include "catalog/service.h"
#include "resource/fields.h"

namespace meridian::catalog {

inline constexpr std::size_t model_name_max = 128;

// A letter or digit, then letters, digits and . _ - : /
bool is_model_name(std::string_view text);
constexpr auto names(As<Capability>) {
    return words<Capability>({{Capability::chat, "chat"},
                              {Capability::completion, "completion"},
                              {Capability::embedding, "embedding"},
                              {Capability::tools, "tools"},
                              {Capability::json_schema, "json_schema"},
                              {Capability::vision, "vision"}});
}
constexpr auto names(As<Conversion>) { return words<Conversion>({{Conversion::bert, "bert"}}); }
// The same in every installation, so that a receipt or a deployment plan made in one means the same model in another.
ModelId shipped_model_id(std::string_view name);

}  // namespace meridian::catalog
