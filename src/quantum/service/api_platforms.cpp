// Platforms on the wire.
#include "quantum/service/api.h"
#include "quantum/service/views.h"

namespace meridian::quantum::service {
namespace qaas {
namespace {

using http::Call;
using http::Dialect;
using http::doc;
using http::Listed;
using http::Nothing;
using http::Permission;

// Perceval's client writes providerName, the others provider_name.
std::optional<std::string> either(const http::Called& call, std::string_view name, std::string_view camel_case) {
    auto text = http::query_text(call, name);
    return text ? text : http::query_text(call, camel_case);
}

struct Sorted {  // a platform with what lists sort by
    const Platform* platform;
};

template <std::string catalog::PlatformFacts::* member>
bool by_fact(const Sorted& a, const Sorted& b) {
    return a.platform->facts.*member < b.platform->facts.*member;
}

constexpr Order<Sorted> platform_orders[] = {
    {"name", [](const Sorted& a, const Sorted& b) { return a.platform->name < b.platform->name; }},
    {"provider_name", by_fact<&catalog::PlatformFacts::provider>},
    {"backend_name", by_fact<&catalog::PlatformFacts::backend>},
    {"technology", by_fact<&catalog::PlatformFacts::technology>},
    {"type", [](const Sorted&, const Sorted&) { return false; }},
};

Listed<"platforms", Json> list_platforms(const Quantum& quantum, const Call<>& call) {
    const auto provider = either(call, "provider_name", "providerName"), backend = either(call, "backend_name", "backendName"),
               wanted = http::query_text(call, "name"), technology = either(call, "platform_technology", "platformTechnology"),
               type = either(call, "platform_type", "platformType");
    std::vector<Sorted> found;
    for (const auto& platform : quantum.platforms()) {
        const auto& facts = platform.facts;
        if ((provider && *provider != facts.provider) || (backend && *backend != facts.backend) || (wanted && *wanted != platform.name))
            continue;
        if (technology && !technology->starts_with("unknown") && *technology != facts.technology) continue;
        if (type && !type->starts_with("unknown") && *type != "simulator") continue;
        found.push_back({&platform});
    }
    sort_as_asked<Sorted>(found, call, "name_asc", platform_orders);
    std::vector<Json> views;
    for (const auto& each : found) views.push_back(view(quantum.priced(*each.platform)));
    return paged(std::move(views), call);
}

Json get_platform(const Quantum& quantum, const Call<>& call) {
    const auto id = http::id_param<PlatformId>(call, "platform_id");
    if (const auto* found = quantum.platform(id)) return view(quantum.priced(*found));
    throw Error(Fault::not_found, "There is no platform with this id; list the platforms to see them.").about("platform", id.str());
}

}  // namespace

void add_platform_routes(http::Router& router, Quantum& quantum) {
    const auto s = Dialect::scaleway;
    const Permission read{"read", "quantum"};
    router.add(http::typed<Nothing, Listed<"platforms", Json>>("GET", base + "/platforms", read, s,
                                                               doc("ListPlatforms", "Where circuits can run, with prices", "quantum"),
                                                               [&quantum](const Call<>& call) { return list_platforms(quantum, call); }));
    router.add(http::typed<Nothing, Json>("GET", base + "/platforms/{platform_id}", read, s, doc("GetPlatform", "One platform", "quantum"),
                                          [&quantum](const Call<>& call) { return get_platform(quantum, call); }));
}

}  // namespace qaas

void add_routes(http::Router& router, Quantum& quantum, const Links& links) {
    qaas::add_platform_routes(router, quantum);
    qaas::add_session_routes(router, quantum);
    qaas::add_job_routes(router, quantum, links);
    qaas::add_process_routes(router, quantum);
}

}  // namespace meridian::quantum::service
