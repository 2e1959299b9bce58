#include "resource/schema.h"

#include "base/error.h"

namespace meridian::inline resource {

namespace {

using Kind = Shape::Kind;

JsonObject of_type(std::string_view type) { return {{"type", type}}; }

Json text_schema(std::string_view format, std::string_view example = {}) {
    JsonObject made = of_type("string");
    if (!format.empty()) made["format"] = format;
    if (!example.empty()) made["examples"] = JsonArray{Json(example)};
    return made;
}

Json integer_schema(const Shape& shape) {
    JsonObject made = of_type("integer");
    if (shape.size == 8 && shape.is_signed)
        made["format"] = "int64";
    else if (shape.size == 4 && shape.is_signed)
        made["format"] = "int32";
    else if (!shape.is_signed)
        made["minimum"] = 0;
    return made;
}

Json money_schema() {
    JsonObject currency = of_type("string");
    currency["const"] = "EUR";
    JsonObject made = of_type("object");
    made["properties"] = JsonObject{{"currency_code", currency}, {"units", of_type("integer")}, {"nanos", of_type("integer")}};
    made["required"] = JsonArray{"currency_code", "units", "nanos"};
    return made;
}

Json word_schema(const Shape& shape) {
    JsonArray words;
    for (const auto& each : shape.words) words.emplace_back(each.word);
    return JsonObject{{"type", "string"}, {"enum", std::move(words)}};
}

Json or_null(Json schema) {
    JsonObject& object = schema.get_object();
    if (const auto type = object.find("type"); type != object.end() && type->value().is_string() && !object.contains("enum")) {
        type->value() = JsonArray{type->value(), "null"};
        return schema;
    }
    JsonArray either;
    either.push_back(std::move(schema));
    either.push_back(of_type("null"));
    JsonObject made;
    made["anyOf"] = std::move(either);
    return made;
}

// A field's limits belong to the innermost value: the texts in a list, the number in an optional.
JsonObject* innermost(JsonObject& schema) {
    for (const char* key : {"items", "additionalProperties"})
        if (auto* inner = schema.if_contains(key); inner != nullptr && inner->is_object()) return innermost(inner->get_object());
    return &schema;
}

void add_rules(Json& schema, const Rules& rules) {
    JsonObject& outer = schema.get_object();
    // The inner one first: it lies in the outer, which moves it when it grows.
    JsonObject& inner = *innermost(outer);
    if (rules.length_min != 0) inner["minLength"] = rules.length_min;
    if (rules.length_max != unbounded) inner["maxLength"] = rules.length_max;
    if (rules.has_range) {
        inner["minimum"] = rules.range_is_real ? Json(rules.real_low) : Json(rules.low);
        inner["maximum"] = rules.range_is_real ? Json(rules.real_high) : Json(rules.high);
    }
    if (rules.choice_count != 0) {
        JsonArray choices;
        for (std::size_t i = 0; i < rules.choice_count; ++i) choices.emplace_back(rules.choices[i]);
        if (inner["type"].is_array()) choices.emplace_back(nullptr);  // an optional one
        inner["enum"] = std::move(choices);
    }
    const bool is_map = outer.contains("additionalProperties");
    if (rules.count_min != 0) outer[is_map ? "minProperties" : "minItems"] = rules.count_min;
    if (rules.count_max != unbounded) outer[is_map ? "maxProperties" : "maxItems"] = rules.count_max;
    std::string said(rules.description);
    if (!rules.charset.empty()) said.append(said.empty() ? "" : " ").append("May hold only ").append(rules.charset).append(".");
    if (!said.empty()) outer["description"] = said;
    if (rules.is_read_only) outer["readOnly"] = true;
    if (rules.is_write_only) outer["writeOnly"] = true;
}

}  // namespace

Json Schemas::of(const Shape& shape) {
    switch (shape.kind) {
        case Kind::boolean:
            return of_type("boolean");
        case Kind::integer:
            return integer_schema(shape);
        case Kind::real:
            return of_type("number");
        case Kind::text:
            return text_schema({});
        case Kind::parsed:
            return text_schema(shape.format);
        case Kind::timestamp:
            return text_schema("date-time", "2026-11-23T19:29:43.932078Z");
        case Kind::duration:
            return text_schema({}, "3.5s");
        case Kind::money:
            return money_schema();
        case Kind::word:
            return word_schema(shape);
        case Kind::json:
            return JsonObject{};
        case Kind::maybe:
            return or_null(of(shape.element()));
        case Kind::list:
            return JsonObject{{"type", "array"}, {"items", of(shape.element())}};
        case Kind::map:
            return JsonObject{{"type", "object"}, {"additionalProperties", of_type("string")}};
        case Kind::object: {
            const ObjectShape& object = shape.object();
            const std::string name(object.name);
            // The name first: structs nest in themselves.
            if (components_.try_emplace(name, nullptr).second) components_[name] = struct_schema(object);
            JsonObject made;
            made["$ref"] = "#/components/schemas/" + name;
            return made;
        }
    }
    return nullptr;
}

Json Schemas::struct_schema(const ObjectShape& object) {
    JsonObject properties;
    JsonArray required_names;
    for (const auto& field : object.fields) {
        const bool is_in = direction_ == Direction::in;
        if (is_in ? field.rules.is_read_only : field.rules.is_write_only) continue;
        Json each = of(field.shape());
        add_rules(each, field.rules);
        properties[field.rules.name] = std::move(each);
        if (!is_in || is_needed(field)) required_names.emplace_back(field.rules.name);
    }
    JsonObject made = of_type("object");
    made["properties"] = std::move(properties);
    if (!required_names.empty()) made["required"] = std::move(required_names);
    if (object.is_strict && direction_ == Direction::in) made["additionalProperties"] = false;
    return made;
}

Json query_parameters(const ObjectShape& object) {
    JsonArray made;
    for (const auto& field : object.fields) {
        JsonObject each{{"name", field.rules.name}, {"in", "query"}};
        if (is_needed(field)) each["required"] = true;
        // Absence is what a parameter has in place of null.
        const Shape& shape = field.shape();
        Json of_value = self_contained(shape.kind == Kind::maybe ? shape.element() : shape, Direction::in);
        add_rules(of_value, field.rules);
        if (auto* said = of_value.get_object().if_contains("description")) each["description"] = *said;
        of_value.get_object().erase("description");
        each["schema"] = std::move(of_value);
        made.push_back(std::move(each));
    }
    return made;
}

Json self_contained(const Shape& shape, Direction direction) {
    Schemas schemas(direction);
    Json made = schemas.of(shape);
    if (!schemas.components().empty()) {
        JsonObject definitions;
        for (const auto& [name, each] : schemas.components()) definitions[name] = each;
        made.as_object()["$defs"] = std::move(definitions);
    }
    return made;
}

}  // namespace meridian::inline resource
