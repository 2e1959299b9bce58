#include <fmt/format.h>
#include <unistd.h>

#include <iostream>

#include "cli/commands.h"
#include "terminal.h"

namespace meridian::cli {
namespace {

struct ChatOptions {
    std::string model, prompt, system;
    int max_tokens = 0;
};

// One turn: prints the answer as it comes and returns it.
std::string turn(Api& api, const ChatOptions& o, const JsonArray& messages, bool json) {
    JsonObject body{{"model", o.model}, {"messages", messages}, {"stream", true}, {"stream_options", {{"include_usage", true}}}};
    if (o.max_tokens > 0) body["max_tokens"] = o.max_tokens;
    std::string answer, receipt;
    Json usage = nullptr;
    api.stream(
        "/v1/chat/completions", body,
        [&](std::string_view data) {
            if (data == "[DONE]") return;
            const auto chunk = parse_json(data);
            if (!chunk) return;
            if (const auto* error = member(*chunk, "error")) throw Failure{failed, field(*error, "message"), "meridian status"};
            if (const auto* u = member(*chunk, "usage"); u && u->is_object()) usage = *u;
            const auto* choices = member(*chunk, "choices");
            if (!choices || !choices->is_array() || choices->get_array().empty()) return;
            const auto* delta = member(choices->get_array().front(), "delta");
            const auto text = delta ? field(*delta, "content") : "";
            answer += text;
            if (!json) {
                fmt::print("{}", text);
                std::fflush(stdout);
            }
        },
        [&](std::string_view id) { receipt = id; });
    if (json) {
        print(JsonObject{{"content", answer}, {"usage", usage}, {"receipt", receipt}});
    } else {
        fmt::print("\n{}\n", terminal::dim(fmt::format("{} tokens in, {} out · receipt {}", number(usage, "prompt_tokens"),
                                                       number(usage, "completion_tokens"), receipt)));
    }
    return answer;
}

std::string first_model(Api& api) {
    const auto models = api.get("/v1/models");
    const auto* data = member(models, "data");
    if (!data || data->as_array().empty()) throw Failure{not_found, "No model is deployed.", "meridian deploy MODEL --wait"};
    return field(data->as_array().front(), "id");
}

int chat(const Common& common, ChatOptions o) {
    auto api = common.api();
    if (o.model.empty()) o.model = first_model(api);
    JsonArray messages;
    if (!o.system.empty()) messages.push_back(JsonObject{{"role", "system"}, {"content", o.system}});
    if (!o.prompt.empty()) {
        messages.push_back(JsonObject{{"role", "user"}, {"content", o.prompt}});
        turn(api, o, messages, common.json);
        return ok;
    }
    const bool person = isatty(STDIN_FILENO) == 1;
    if (person) fmt::print("{}\n", terminal::dim("talking to " + o.model + "; an empty line or Ctrl-D ends"));
    std::string line;
    for (;;) {
        if (person) fmt::print("{} ", terminal::accent("›"));
        std::fflush(stdout);
        if (!std::getline(std::cin, line) || line.empty()) return ok;
        messages.push_back(JsonObject{{"role", "user"}, {"content", line}});
        messages.push_back(JsonObject{{"role", "assistant"}, {"content", turn(api, o, messages, common.json)}});
    }
}

}  // namespace

void add_chat(CLI::App& app, Common& common, const Chosen& chosen) {
    auto o = std::make_shared<ChatOptions>();
    auto* command = app.add_subcommand("chat", "Talk to a deployed model");
    command->add_option("PROMPT", o->prompt, "One question; without it, a conversation");
    command->add_option("--model", o->model, "Default: the first that is served");
    command->add_option("--system", o->system, "System message");
    command->add_option("--max-tokens", o->max_tokens, "Longest answer")->check(CLI::PositiveNumber);
    command->callback([&common, chosen, o] { chosen([&common, o] { return chat(common, *o); }); });
}

}  // namespace meridian::cli
