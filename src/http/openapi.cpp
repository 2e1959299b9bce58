#include "http/openapi.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <mutex>
#include <set>

#include "http/typed.h"

namespace meridian::http {

namespace {

constexpr std::string_view component_prefix = "#/components/schemas/";

std::string_view name_of(Dialect dialect) {
    switch (dialect) {
        case Dialect::meridian:
            return "meridian";
        case Dialect::scaleway:
            return "scaleway";
        case Dialect::openai:
            return "openai";
        case Dialect::mistral:
            return "mistral";
        case Dialect::hugging_face:
            return "hugging_face";
    }
    return {};
}

JsonObject with_text_members(std::initializer_list<std::string_view> names) {
    JsonObject properties;
    JsonArray needed;
    for (const auto& each : names) {
        properties[each] = JsonObject{{"type", "string"}};
        needed.emplace_back(each);
    }
    JsonObject made{{"type", "object"}};
    made["properties"] = std::move(properties);
    made["required"] = std::move(needed);
    return made;
}

// What every error of a dialect has; the further keys depend on the fault.
JsonObject error_schema(Dialect dialect) {
    switch (dialect) {
        case Dialect::meridian:
            return with_text_members({"type", "title", "detail"});
        case Dialect::scaleway:
            return with_text_members({"type", "message"});
        case Dialect::openai: {
            JsonObject made = with_text_members({});
            made["properties"] = JsonObject{{"error", with_text_members({"message", "type"})}};
            made["required"] = JsonArray{"error"};
            return made;
        }
        case Dialect::mistral:
            return JsonObject{{"type", "object"}};
        case Dialect::hugging_face:
            return with_text_members({"error"});
    }
    return {};
}

JsonObject content(std::string_view type, Json of_value) {
    JsonObject media;
    media["schema"] = std::move(of_value);
    JsonObject made;
    made[type] = std::move(media);
    return made;
}

void rename_references(Json& json, const std::map<std::string, std::string>& renamed) {
    if (json.is_array()) {
        for (auto& each : json.get_array()) rename_references(each, renamed);
    } else if (json.is_object()) {
        for (auto& pair : json.get_object()) {
            if (pair.key() != "$ref" || !pair.value().is_string()) {
                rename_references(pair.value(), renamed);
                continue;
            }
            std::string_view target = view(pair.value().get_string());
            if (!target.starts_with(component_prefix)) continue;
            const auto found = renamed.find(std::string(target.substr(component_prefix.size())));
            if (found != renamed.end()) pair.value() = Json(std::string(component_prefix) + found->second);
        }
    }
}

// Takes "$defs" out of the fragments and keeps each definition once.
class Components {
public:
    // Responses come first: theirs are the plain names.
    Json lift_response(Json fragment) {
        take(fragment, [&](const std::string& name, Json& each) { keep(name, each); });
        return fragment;
    }
    Json lift_request(Json fragment) {
        std::map<std::string, std::string> renamed;
        Json probe = fragment;
        take(probe, [&](const std::string& name, const Json& each) {
            const auto there = from_responses_.find(name);
            if (there != from_responses_.end() && there->second != each) renamed[name] = name + "Input";
        });
        // A struct around a renamed one differs by that reference, and so is renamed as well: until nothing changes.
        for (std::size_t before = renamed.size() + 1; before != renamed.size();) {
            before = renamed.size();
            probe = fragment;
            take(probe, [&](const std::string& name, Json& each) {
                const Json plain = each;
                rename_references(each, renamed);
                if (each != plain && from_responses_.contains(name)) renamed[name] = name + "Input";
            });
        }
        rename_references(fragment, renamed);
        take(fragment, [&](const std::string& name, Json& each) {
            const auto found = renamed.find(name);
            keep(found == renamed.end() ? name : found->second, each);
        });
        return fragment;
    }
    void responses_are_complete() { from_responses_ = all_; }
    [[nodiscard]] JsonObject json() const {
        JsonObject made;
        for (const auto& [name, each] : all_) made[name] = each;
        return made;
    }

private:
    template <class F>
    static void take(Json& fragment, F f) {
        if (!fragment.is_object()) return;
        JsonObject& object = fragment.get_object();
        if (auto* definitions = object.if_contains("$defs")) {
            for (auto& pair : definitions->as_object()) f(std::string(pair.key()), pair.value());
            object.erase("$defs");
        }
    }
    void keep(const std::string& name, const Json& each) {
        const auto [there, is_new] = all_.try_emplace(name, each);
        MERIDIAN_ASSERT(is_new || there->second == each);
    }

    std::map<std::string, Json> all_, from_responses_;
};

std::string lower(std::string_view text) {
    std::string made(text);
    for (char& c : made) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return made;
}

// "/files/{rest...}" to "/files/{rest}", with the names of the parameters.
std::string path_of(std::string_view pattern, std::vector<std::string>& names) {
    std::string path;
    while (!pattern.empty()) {
        const std::size_t open = std::min(pattern.find('{'), pattern.size());
        path.append(pattern.substr(0, open));
        pattern.remove_prefix(open);
        if (pattern.empty()) break;
        const std::size_t close = std::min(pattern.find('}'), pattern.size() - 1);
        std::string_view name = pattern.substr(1, close - 1);
        if (name.ends_with("...")) name.remove_suffix(3);
        names.emplace_back(name);
        path.append("{").append(name).append("}");
        pattern.remove_prefix(close + 1);
    }
    return path;
}

std::string unique_id(const Route& route, std::set<std::string>& taken) {
    std::string id = route.doc.id;
    if (id.empty()) {
        id = lower(route.method);
        bool starts_word = true;
        for (const char c : route.pattern) {
            const auto u = static_cast<unsigned char>(c);
            if (std::isalnum(u) != 0) id += starts_word ? static_cast<char>(std::toupper(u)) : c;
            starts_word = std::isalnum(u) == 0;
        }
    }
    std::string chosen = id;
    for (int n = 2; !taken.insert(chosen).second; ++n) chosen = fmt::format("{}_{}", id, n);
    return chosen;
}

struct Lifted {
    Json parameters, request, response;
};

JsonObject responses(const Route& route, Json response) {
    JsonObject made;
    int status = 200;
    std::string type = "application/json";
    if (response.is_object()) {
        JsonObject& object = response.get_object();
        if (auto* given = object.if_contains(doc_status)) status = static_cast<int>(given->as_int64());
        if (auto* given = object.if_contains(doc_content_type)) type = std::string(view(given->as_string()));
        object.erase(doc_status);
        object.erase(doc_content_type);
    }
    JsonObject good{{"description", status == 101   ? "The connection becomes a WebSocket."
                                    : status == 204 ? "Done; nothing to say."
                                                    : "Done."}};
    if (status != 101 && status != 204 && response.is_object()) good["content"] = content(type, std::move(response));
    made[std::to_string(status)] = std::move(good);
    JsonObject reference;
    reference["$ref"] = fmt::format("#/components/responses/{}_error", name_of(route.dialect));
    made["default"] = std::move(reference);
    return made;
}

JsonObject operation(const Route& route, const std::vector<std::string>& names, std::string id, Lifted parts) {
    JsonObject made{{"operationId", id}};
    if (!route.doc.summary.empty()) made["summary"] = route.doc.summary;
    if (!route.doc.tag.empty()) made["tags"] = JsonArray{Json(std::string_view(route.doc.tag))};
    JsonArray parameters;
    for (const auto& name : names) {
        JsonObject each{{"name", name}, {"in", "path"}, {"required", true}};
        each["schema"] = JsonObject{{"type", "string"}};
        parameters.push_back(std::move(each));
    }
    if (parts.parameters.is_array())
        for (auto& each : parts.parameters.get_array()) parameters.push_back(std::move(each));
    if (!parameters.empty()) made["parameters"] = std::move(parameters);
    if (!parts.request.is_null()) {
        JsonObject body{{"required", true}};
        body["content"] = content("application/json", std::move(parts.request));
        made["requestBody"] = std::move(body);
    }
    made["responses"] = responses(route, std::move(parts.response));
    made["x-meridian-permission"] = JsonObject{{"action", route.may.action}, {"scope", route.may.scope}};
    if (const Permission open = anyone(); route.may.action == open.action && route.may.scope == open.scope) made["security"] = JsonArray{};
    return made;
}

std::vector<Lifted> lift_all(std::span<const Route> routes, Components& components) {
    std::vector<Lifted> parts(routes.size());
    for (std::size_t i = 0; i < routes.size(); ++i) parts[i].response = components.lift_response(routes[i].doc.response);
    components.responses_are_complete();
    for (std::size_t i = 0; i < routes.size(); ++i) {
        parts[i].request = components.lift_request(routes[i].doc.request);
        parts[i].parameters = routes[i].doc.parameters;
        if (!parts[i].parameters.is_array()) continue;
        for (auto& each : parts[i].parameters.get_array())
            if (auto* of_value = each.as_object().if_contains("schema")) *of_value = components.lift_request(std::move(*of_value));
    }
    return parts;
}

JsonObject security_schemes() {
    JsonObject made;
    made["token"] = JsonObject{{"type", "apiKey"}, {"in", "header"}, {"name", "X-Auth-Token"}};
    made["bearer"] = JsonObject{{"type", "http"}, {"scheme", "bearer"}};
    return made;
}

JsonArray either_scheme() {
    JsonArray made;
    for (const char* scheme : {"token", "bearer"}) {
        JsonObject one;
        one[scheme] = JsonArray{};
        made.push_back(std::move(one));
    }
    return made;
}

JsonObject error_responses(std::span<const Route> routes) {
    JsonObject made;
    for (const auto& route : routes) {
        JsonObject each{{"description", fmt::format("An error in the {} form.", name_of(route.dialect))}};
        each["content"] =
            content(route.dialect == Dialect::meridian ? "application/problem+json" : "application/json", error_schema(route.dialect));
        made[fmt::format("{}_error", name_of(route.dialect))] = std::move(each);
    }
    return made;
}

}  // namespace

Json openapi_document(std::span<const Route> routes, const ApiInfo& info) {
    Components components;
    std::vector<Lifted> parts = lift_all(routes, components);
    JsonObject paths;
    std::set<std::string> taken;
    for (std::size_t i = 0; i < routes.size(); ++i) {
        std::vector<std::string> names;
        const std::string path = path_of(routes[i].pattern, names);
        Json& at = paths[path];
        if (at.is_null()) at = JsonObject{};
        at.get_object()[lower(routes[i].method)] = operation(routes[i], names, unique_id(routes[i], taken), std::move(parts[i]));
    }
    JsonObject made{{"openapi", "3.1.0"}};
    made["info"] = JsonObject{{"title", info.title}, {"version", info.version}, {"description", info.description}};
    JsonArray servers;
    servers.push_back(JsonObject{{"url", info.server_url}});
    made["servers"] = std::move(servers);
    made["security"] = either_scheme();
    made["paths"] = std::move(paths);
    JsonObject shared;
    shared["schemas"] = components.json();
    shared["responses"] = error_responses(routes);
    shared["securitySchemes"] = security_schemes();
    made["components"] = std::move(shared);
    return made;
}

namespace {

// Made once, by whichever loop is asked first.
struct Document {
    std::once_flag once;
    std::string text;
};

}  // namespace

Route openapi_route(const Router& router, ApiInfo info) {
    auto document = std::make_shared<Document>();
    return typed<Nothing, Response>(
        "GET", "/openapi.json", anyone(), Dialect::meridian, doc("GetOpenApi", "This document", "meta"),
        [&router, info = std::move(info), document](const Call<>&) {
            std::call_once(document->once, [&] { document->text = to_text(openapi_document(router.routes(), info)); });
            return Response{.status = 200, .headers = {{"Content-Type", "application/json"}}, .body = document->text};
        });
}

}  // namespace meridian::http
