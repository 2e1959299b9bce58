#include "system_routes.h"

#include <fmt/format.h>

#include "backup.h"
#include "base/version.h"
#include "drill.h"
#include "http/metrics.h"
#include "http/openapi.h"
#include "http/typed.h"
#include "metering/books/event.h"
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
                                             {"phase", parts_.deployments.phases().of(d.id).str()},
                                             {"size", d.size},
                                             {"error_message", d.error_message ? Json(*d.error_message) : Json(nullptr)},
                                             {"placed_because", d.placed_because}});
        }
        const auto up = std::chrono::duration_cast<std::chrono::seconds>(parts_.clock.steady() - started_);
        co_return JsonObject{{"version", version()},         {"url", parts_.url()},
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
        co_return JsonObject{{"directory", made->directory}, {"files", made->files}, {"bytes", made->bytes}, {"database", made->database}};
    }

    Task<Json> drill(Call<BackupWish> call) {
        const auto by = call.caller_as<identity::Caller>();
        const auto scratch = fmt::format("{}/drill-{}", parts_.layout.root, Uuid::random(parts_.rng).str());
        co_return co_await on(parts_.pool, [this, by, directory = call.in.directory, scratch] {
            const auto result = app::drill(parts_.disk, parts_.clock, directory, scratch);
            const auto said = view(result);
            log_drill(by, directory, said);
            return said;
        });
    }

    [[nodiscard]] http::Response ready() const {
        const bool is_ready = parts_.ready();
        return {.status = is_ready ? 200 : 503,
                .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
                .body = is_ready ? "ready\n" : "not ready\n"};
    }

    [[nodiscard]] http::Response metrics() const {
        const auto servers = parts_.servers();
        http::MetricsText out;
        http::add_server_metrics(out, servers);
        return {.status = 200, .headers = {{"Content-Type", std::string(http::MetricsText::content_type)}}, .body = out.text()};
    }

private:
    static Json view(const DrillResult& result) {
        JsonArray checks;
        for (const auto& check : result.checks)
            checks.push_back(JsonObject{{"check", check.what}, {"good", check.is_good}, {"said", check.said}});
        return JsonObject{{"good", result.is_good()},
                          {"made_at", result.made_at.empty() ? Json(nullptr) : Json(result.made_at)},
                          {"files", result.files},
                          {"bytes", result.bytes},
                          {"took_ms", std::chrono::duration_cast<std::chrono::milliseconds>(result.took).count()},
                          {"checks", std::move(checks)}};
    }
    void log_drill(const identity::Caller& by, const std::string& directory, const Json& said) {
        metering::AdminEvent event;
        event.id = EventId::random(parts_.rng);
        event.at = parts_.clock.now();
        event.organization = by.organization;
        if (!by.principal.is_nil()) event.principal = by.principal;
        event.api_key = by.access_key;
        event.product = "system";
        event.operation = "DrillRestore";
        event.resource_type = "backups";
        event.resource = event.name = directory;
        if (by.origin) {
            event.address = by.origin->address;
            event.user_agent = by.origin->user_agent;
            event.request = by.origin->request_id;
        }
        event.details = said;
        parts_.meter.log_event(event);
    }
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
    router.add(http::typed<BackupWish, Json>("POST", "/meridian/v1/backup/drill", Permission{"admin", "system"}, m,
                                             doc("DrillRestore", "Restore a backup into a place of its own, check it, and log the result", "system"),
                                             [api](Call<BackupWish> c) { return api->drill(std::move(c)); }));
    router.add(http::openapi_route(
        router,
        {.title = "Meridian", .version = std::string(version()), .description = "A sovereign AI and quantum cloud.", .server_url = "/"}));
}

}  // namespace meridian::app
