// OpenAI's dialect: models, chat, completions, embeddings. One model card serves OpenAI's and Mistral's clients.
#include <algorithm>

#include "http/typed.h"
#include "inference/api.h"

namespace meridian::inference {
namespace {

using catalog::Capability;
using http::Dialect;

Json card(const Served& served, const metering::Price& price) {
    const auto can = [&](Capability c) { return served.can(c); };
    return JsonObject{{"id", served.model},
                      {"object", "model"},
                      {"created", unix_seconds(served.created_at)},
                      {"owned_by", "meridian"},
                      {"type", "base"},
                      {"max_context_length", served.context},
                      {"capabilities", JsonObject{{"completion_chat", can(Capability::chat)},
                                                  {"function_calling", can(Capability::tools)},
                                                  {"completion_fim", false},
                                                  {"vision", can(Capability::vision)},
                                                  {"embedding", can(Capability::embedding)}}},
                      {"meridian", JsonObject{{"digest", served.digest},
                                              {"external", served.is_external},
                                              {"ready", !served.backends.empty()},
                                              {"input_per_million", price.input_per_million.str()},
                                              {"output_per_million", price.output_per_million.str()}}}};
}

Json models(const Gateway& gateway, const http::Called& call) {
    JsonArray data;
    for (const auto& served : gateway.visible_to(call.caller_as<identity::Caller>()))
        data.push_back(card(*served, gateway.price_of(*served)));
    return JsonObject{{"object", "list"}, {"data", std::move(data)}};
}

Json model(const Gateway& gateway, const http::Called& call) {
    const auto name = call.param("model");
    for (const auto& served : gateway.visible_to(call.caller_as<identity::Caller>())) {
        if (served->model == name) return card(*served, gateway.price_of(*served));
    }
    throw Error(Fault::not_found, "The model '" + name + "' does not exist or is not deployed; GET /v1/models lists what is served.")
        .with_code("model_not_found")
        .about("model", name);
}

http::Route invoke(std::string path, std::string id, std::string summary, http::Handler handler) {
    http::Route route{.method = "POST",
                      .pattern = std::move(path),
                      .may = {"invoke", "inference"},
                      .dialect = Dialect::openai,
                      .handler = std::move(handler),
                      .doc = http::doc(std::move(id), std::move(summary), "openai"),
                      .body_max = limits::chat_body_bytes,
                      .may_be_shed = true};
    route.doc.request = JsonObject{{"type", "object"}, {"additionalProperties", true}};
    route.doc.response = JsonObject{{"type", "object"}, {"additionalProperties", true}};
    return route;
}

}  // namespace

void add_openai_routes(http::Router& router, Gateway& gateway) {
    const http::Permission use{"invoke", "inference"};
    router.add(http::typed<http::Nothing, Json>("GET", "/v1/models", use, Dialect::openai,
                                                http::doc("ListServedModels", "Models that answer", "openai"),
                                                [&gateway](http::Call<> c) { return models(gateway, c); }));
    router.add(http::typed<http::Nothing, Json>("GET", "/v1/models/{model...}", use, Dialect::openai,
                                                http::doc("GetServedModel", "One model that answers", "openai"),
                                                [&gateway](http::Call<> c) { return model(gateway, c); }));
    router.add(invoke("/v1/chat/completions", "CreateChatCompletion", "A chat answer, whole or streamed",
                      [&gateway](http::Exchange& exchange) { return gateway.chat(exchange); }));
    router.add(invoke("/v1/completions", "CreateCompletion", "A text continued",
                      [&gateway](http::Exchange& exchange) { return gateway.completion(exchange); }));
    router.add(invoke("/v1/embeddings", "CreateEmbedding", "Texts as vectors",
                      [&gateway](http::Exchange& exchange) { return gateway.embedding(exchange); }));
}

}  // namespace meridian::inference
