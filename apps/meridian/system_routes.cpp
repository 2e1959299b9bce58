#include "system_routes.h"

#include <fmt/format.h>

#include "backup.h"
#include "http/openapi.h"
#include "http/typed.h"
#include "shipped_models.h"

namespace meridian::app {

struct BackupWish {
    std::string directory;
};
constexpr auto describe(As<BackupWish>) { return fields(field("directory", &BackupWish::directory, length{1, 4096})); }

namespace {

using http::Call;
using http::Dialect;
using http::doc;
using http::Nothing;
using http::Permission;

class Api {
public:
    explicit Api(SystemParts parts) : parts_(std::move(parts)), started_(parts_.clock.steady()) {}

    Task<Json> status(Call<> call) {
        JsonArray nodes, deployments;
        for (const auto& node : parts_.deployments.nodes()) nodes.push_back(view(node));
        for (const auto& d : co_await parts_.deployments.list(call.caller_as<identity::Caller>())) {
            deployments.push_back(JsonObject{{"id", d.id.str()},
                                             {"name", d.name},
                                             {"model_name", d.model_name},
                                             {"status", inference::name(d.state)},
                                             {"phase", parts_.deployments.phases().of(d.id)},
                                             {"size", d.size},
                                             {"error_message", d.error_message ? Json(*d.error_message) : Json(nullptr)},
                                             {"placed_because", d.placed_because}});
        }
        const auto up = std::chrono::duration_cast<std::chrono::seconds>(parts_.clock.steady() - started_);
        co_return JsonObject{{"version", MERIDIAN_VERSION},  {"url", parts_.url()},
                             {"uptime_seconds", up.count()}, {"zone", parts_.zone.name.str()},
                             {"place", parts_.zone.place()}, {"jurisdiction", parts_.zone.jurisdiction()},
                             {"nodes", std::move(nodes)},    {"deployments", std::move(deployments)}};
    }

    Task<Json> backup(Call<BackupWish> call) {
        const auto directory = call.in.directory;
        auto made = co_await on(parts_.pool, [this, directory] {
            return back_up(parts_.disk, parts_.clock, parts_.store, parts_.layout, directory, parts_.private_artifacts());
        });
        if (!made) throw Error(Fault::precondition, made.error().said);
        co_return JsonObject{{"directory", made->directory}, {"files", made->files}, {"bytes", made->bytes}};
    }

    [[nodiscard]] http::Response ready() const {
        const bool is_ready = parts_.ready();
        return {.status = is_ready ? 200 : 503,
                .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
                .body = is_ready ? "ready\n" : "not ready\n"};
    }

    [[nodiscard]] http::Response metrics() const {
        std::uint64_t open = 0, total = 0, requests = 0, running = 0, refused = 0, classes[6] = {};
        for (const auto* counters : parts_.servers()) {
            open += counters->connections_open;
            total += counters->connections_total;
            requests += counters->requests_total;
            running += counters->requests_running;
            refused += counters->refused_total;
            for (std::size_t i = 0; i < 6; ++i) classes[i] += counters->status_class[i];
        }
        std::string out;
        const auto metric = [&out](std::string_view metric_name, std::string_view type, std::string_view help, std::uint64_t value) {
            out += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", metric_name, help, type, value);
        };
        metric("meridian_http_connections_open", "gauge", "Connections that are open now.", open);
        metric("meridian_http_connections_total", "counter", "Connections accepted.", total);
        metric("meridian_http_requests_running", "gauge", "Requests being answered now.", running);
        metric("meridian_http_requests_total", "counter", "Requests received.", requests);
        metric("meridian_http_refused_total", "counter", "Connections refused because there were too many.", refused);
        out += "# HELP meridian_http_responses_total Answers by class of status.\n# TYPE meridian_http_responses_total counter\n";
        for (int i = 1; i < 6; ++i) out += fmt::format("meridian_http_responses_total{{class=\"{}xx\"}} {}\n", i, classes[i]);
        return {.status = 200, .headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}}, .body = std::move(out)};
    }

private:
    static Json view(const fleet::Node& node) {
        JsonArray gpus, layers;
        for (const auto& gpu : node.gpus)
            gpus.push_back(JsonObject{{"name", gpu.name}, {"uuid", gpu.uuid}, {"memory_bytes", gpu.memory_bytes}});
        for (const auto& layer : node.sandbox_layers) layers.emplace_back(layer);
        return JsonObject{{"id", node.id.str()},     {"name", node.name},
                          {"zone", node.zone.str()}, {"arch", node.arch},
                          {"cpus", node.cpus},       {"memory_bytes", node.memory_bytes},
                          {"gpus", std::move(gpus)}, {"sandbox_layers", std::move(layers)}};
    }

    SystemParts parts_;
    Steady started_;
};

http::Response plain(std::string_view text) {
    return {.status = 200, .headers = {{"Content-Type", "text/plain; charset=utf-8"}}, .body = std::string(text)};
}

http::Response page() {
    http::Response out{.status = 200, .headers = {{"Content-Type", "text/html; charset=utf-8"}}, .body = std::string(console_page)};
    out.headers.add("Content-Security-Policy",
                    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
                    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    out.headers.add("X-Content-Type-Options", "nosniff");
    out.headers.add("Referrer-Policy", "no-referrer");
    out.headers.add("Cache-Control", "no-cache");
    return out;
}

}  // namespace

void add_system_routes(http::Router& router, SystemParts parts) {
    auto api = std::make_shared<Api>(std::move(parts));
    const auto m = Dialect::meridian;
    const auto open = http::anyone();
    router.add(http::typed<Nothing, http::Response>("GET", "/healthz", open, m, doc("Health", "The process runs", "system"),
                                                    [](Call<>) { return plain("ok\n"); }));
    router.add(http::typed<Nothing, http::Response>("GET", "/readyz", open, m, doc("Ready", "Requests are accepted", "system"),
                                                    [api](Call<>) { return api->ready(); }));
    router.add(http::typed<Nothing, http::Response>("GET", "/metrics", open, m, doc("Metrics", "Prometheus text", "system"),
                                                    [api](Call<>) { return api->metrics(); }));
    router.add(http::typed<Nothing, http::Response>("GET", "/", open, m, doc("Page", "Chat, prices and receipts in a browser", "system"),
                                                    [](Call<>) { return page(); }));
    router.add(http::typed<Nothing, Json>("GET", "/meridian/v1/status", Permission{"read", "status"}, m,
                                          doc("Status", "What runs, and where", "system"),
                                          [api](Call<> c) { return api->status(std::move(c)); }));
    router.add(http::typed<BackupWish, Json>("POST", "/meridian/v1/backup", Permission{"admin", "system"}, m,
                                             doc("Backup", "Copy database, keys and ledger", "system"),
                                             [api](Call<BackupWish> c) { return api->backup(std::move(c)); }));
    router.add(http::openapi_route(
        router, {.title = "Meridian", .version = MERIDIAN_VERSION, .description = "A sovereign AI and quantum cloud.", .server_url = "/"}));
}

}  // namespace meridian::app
