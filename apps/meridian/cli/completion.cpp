#include <fmt/format.h>

#include <sstream>

#include "cli/commands.h"

namespace meridian::cli {
namespace {

std::vector<const CLI::App*> visible(const CLI::App& app) {
    std::vector<const CLI::App*> out;
    for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
        if (!sub->get_name().empty() && !sub->get_group().empty()) out.push_back(sub);
    }
    return out;
}

std::string words(const CLI::App& app) {
    std::string out;
    for (const auto* sub : visible(app)) out += sub->get_name() + " ";
    for (const auto* option : app.get_options()) {
        for (const auto& name : option->get_lnames()) out += "--" + name + " ";
    }
    return out;
}

// One table of "path of subcommands -> words" serves both shells.
void cases(const CLI::App& app, const std::string& path, std::string& out) {
    out += fmt::format("        '{}') words='{}' ;;\n", path, words(app));
    for (const auto* sub : visible(app)) cases(*sub, path.empty() ? sub->get_name() : path + " " + sub->get_name(), out);
}

std::string script(const CLI::App& app, const std::string& shell) {
    std::string table;
    cases(app, "", table);
    const std::string head = shell == "zsh" ? "autoload -Uz bashcompinit && bashcompinit\n" : "";
    return fmt::format(R"({}_meridian() {{
    local words='' path='' word i
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${{COMP_WORDS[i]}}
        [[ $word == -* ]] || path="${{path:+$path }}$word"
    done
    case "$path" in
{}    esac
    COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _meridian meridian
)",
                       head, table);
}

}  // namespace

void add_completion(CLI::App& app, Common&, const Chosen& chosen) {
    auto shell = std::make_shared<std::string>("bash");
    auto* command = app.add_subcommand("completion", "Shell completion: source <(meridian completion bash)");
    command->add_option("SHELL", *shell, "bash or zsh")->check(CLI::IsMember({"bash", "zsh"}));
    command->callback([&app, chosen, shell] {
        chosen([&app, shell] {
            fmt::print("{}", script(app, *shell));
            return int{ok};
        });
    });
}

}  // namespace meridian::cli
