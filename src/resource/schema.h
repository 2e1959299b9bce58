// JSON Schema 2020-12 (as OpenAPI 3.1 uses it) from field tables.
#pragma once
#include <map>
#include <string>

#include "base/json.h"
#include "resource/shape.h"

namespace meridian::inline resource {

// On input only what cannot be absent is required; on output every key is always there.
enum class Direction { in, out };

// Collects the schemas of described structs under their names: "inference.Deployment", or what `schema_name(As<T>)` says.
class Schemas {
public:
    explicit Schemas(Direction direction) : direction_(direction) {}
    // A $ref for a struct, the schema itself for anything else.
    Json of(const Shape& shape);
    [[nodiscard]] const std::map<std::string, Json>& components() const { return components_; }

private:
    Json struct_schema(const ObjectShape& object);

    Direction direction_;
    std::map<std::string, Json> components_;
};

// One fragment that carries its components along under "$defs"; http/openapi lifts them into the document.
Json self_contained(const Shape& shape, Direction direction);

// OpenAPI parameter objects for the fields of a struct that is read from the query.
Json query_parameters(const ObjectShape& object);

template <Shaped T>
Json schema(Direction direction) {
    return self_contained(shape_of<T>(), direction);
}

}  // namespace meridian::inline resource
