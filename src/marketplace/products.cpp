#include "marketplace/products.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fleet/lifecycle.h"
#include "metering/books/footprint.h"

namespace meridian::marketplace {
namespace {

constexpr std::int64_t millijoules_per_watt_hour = 3'600'000;
constexpr std::int64_t tokens_usual = 1000, tokens_standard = 1'000'000;

// Ids have lower case and one sort of dash within a word, as Scaleway's.
std::string in_sku(std::string_view name) {
    std::string out;
    for (const char c : name) {
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == ':';
        const bool is_capital = c >= 'A' && c <= 'Z';
        out += is_plain ? c : is_capital ? static_cast<char>(c - 'A' + 'a') : '_';
    }
    return out;
}

std::string status_of(const fleet::NodeType& type) {
    if (!type.about) return "general_availability";
    return type.about->lifecycle == fleet::Lifecycle::announced ? "unknown_status" : std::string(word(type.about->lifecycle));
}

// Of an hour under full load, by what the operator declared of a kilowatt hour. Half an impact would read as a whole one.
std::optional<ImpactEstimation> impact_of_hour(const std::optional<std::uint32_t>& watts, const geography::ZoneFacts& zone) {
    if (!watts) return std::nullopt;
    const Millijoules energy(millijoules_per_watt_hour * *watts);
    const auto carbon = metering::kg_co2_of(energy, zone), water = metering::m3_water_of(energy, zone);
    if (!carbon || !water) return std::nullopt;
    return ImpactEstimation{static_cast<float>(*carbon), static_cast<float>(*water)};
}

// A whole machine draws what its operator declared of it; a part of one without GPUs has no figure of its own.
std::optional<std::uint32_t> watts_of(const fleet::NodeType& type, const geography::ZoneFacts& zone) {
    if (type.about) return type.about->watts;
    return type.gpus == 0 && zone.declared ? zone.declared->node_watts : std::nullopt;
}

Hardware hardware_of(const fleet::NodeType& type) {
    Hardware made;
    auto& cpu = made.cpu.emplace();
    cpu.description = fmt::format("{} CPUs", type.vcpus);
    cpu.arch = type.arch == "x86_64" ? "x64" : type.arch == "aarch64" ? "arm64" : "unknown_arch";
    cpu.type = type.about ? type.about->cpu : "";
    cpu.cpus = CpuVirtual{type.vcpus};
    cpu.threads = type.vcpus;
    if (type.memory_bytes > 0) made.ram = HardwareRam{.description = "", .size = type.memory_bytes, .type = "", .ecc_type = {}};
    if (type.gpus > 0) {
        const auto kind = type.about ? type.about->gpu : type.gpu;
        made.gpu = HardwareGpu{fmt::format("{} x {}, {} GB in all", type.gpus, kind, type.vram_bytes / 1'000'000'000), type.gpus, kind};
    }
    if (type.about && type.about->internet_bits)
        made.network = HardwareNetwork{"internal bandwidth is not stated", 0, *type.about->internet_bits, *type.about->internet_bits};
    return made;
}

Locality in_zone(const geography::Zone& zone) { return {.global = {}, .region = {}, .zone = zone.str(), .datacenter = {}}; }
Locality in_region(const geography::Zone& zone) { return {.global = {}, .region = zone.region(), .zone = {}, .datacenter = {}}; }

std::optional<RetailPrice> priced(const std::optional<Money>& price) { return price ? std::optional(RetailPrice{*price}) : std::nullopt; }

Product instance(const Shelf& shelf, const fleet::NodeType& type) {
    const auto& zone = shelf.zone.name;
    Product made;
    made.sku = instance_sku(type.name, zone);
    made.service_category = "Compute";
    made.product_category = "Instance";
    made.product = type.name;
    made.variant = fmt::format("{} - {}", type.name, zone.str());
    made.description = type.description;
    made.locality = in_zone(zone);
    made.price = priced(hour_of(shelf, type.name));
    auto& properties = made.properties.emplace();
    properties.hardware = hardware_of(type);
    properties.instance = InstanceProperties{type.about ? type.about->family : "host", type.name, {}};
    if (type.about) properties.instance->recommended_replacement_offer_ids = type.about->replaced_by;
    made.environmental_impact_estimation = impact_of_hour(watts_of(type, shelf.zone), shelf.zone);
    made.unit_of_measure = UnitOfMeasure{"hour", 1};
    made.status = status_of(type);
    return made;
}

Product managed_inference(const Shelf& shelf, const fleet::NodeType& type) {
    const auto region = shelf.zone.name.region();
    Product made = instance(shelf, type);
    made.sku = fmt::format("/ai/managed_inference/{}/{}", in_sku(type.name), region);
    made.service_category = "AI";
    made.product_category = "Managed Inference";
    made.variant = fmt::format("{} - {}", type.name, region);
    made.description = "A deployment's replica on " + type.description;
    made.locality = in_region(shelf.zone.name);
    made.properties->instance.reset();
    made.properties->managed_inference = ManagedInferenceProperties{type.name, InferenceDeployment{type.name}, nullptr};
    return made;
}

struct Mode {
    metering::Tier tier;
    std::string_view word, suffix;
};
constexpr Mode modes[] = {{metering::Tier::interactive, "realtime", ""}, {metering::Tier::batch, "batch", "_batch"}};

// Clients expect the price of a thousand tokens. One that would have to be rounded is said for a million.
void set_token_price(Product& product, Money per_million) {
    const bool divides = per_million.count() % (tokens_standard / tokens_usual) == 0;
    const auto size = divides ? tokens_usual : tokens_standard;
    product.price = RetailPrice{Money::nanos(per_million.count() / (tokens_standard / size))};
    product.unit_of_measure = UnitOfMeasure{"token", static_cast<std::uint64_t>(size)};
}

GenerativeProperties facts_of(const catalog::Model& model) {
    using catalog::Capability;
    GenerativeProperties made;
    if (model.can(Capability::chat)) made.supported_apis.emplace_back("chat_completions"), made.tasks.emplace_back("chat");
    if (model.can(Capability::completion)) made.supported_apis.emplace_back("completions");
    if (model.can(Capability::embedding)) made.supported_apis.emplace_back("embeddings"), made.tasks.emplace_back("embeddings");
    if (model.can(Capability::vision)) made.tasks.emplace_back("vision");
    if (const auto slash = model.name.find('/'); slash != std::string::npos) made.provider_name = model.name.substr(0, slash);
    return made;
}

void add_model(const Shelf& shelf, const catalog::Model& model, std::vector<Product>& into) {
    const auto region = shelf.zone.name.region();
    const auto facts = facts_of(model);
    const auto add = [&](const Mode& mode, std::string_view type, std::string_view short_type, Money per_million) {
        auto& made = into.emplace_back();
        made.sku = fmt::format("/ai/generative_apis/consumption/{}_{}{}/{}", in_sku(model.name), short_type, mode.suffix, region);
        made.service_category = "AI";
        made.product_category = "Generative APIs";
        made.product = model.name;
        made.variant = fmt::format("{} - {} - {} - {}", model.name, short_type, mode.word, region);
        made.description = model.title.empty() ? model.name : model.title;
        made.locality = in_region(shelf.zone.name);
        made.status = "general_availability";
        set_token_price(made, per_million);
        auto& properties = made.properties.emplace();
        properties.generative_apis = facts;
        properties.generative_apis->consumption_mode = mode.word;
        properties.generative_apis->token_type = type;
    };
    for (const auto& mode : modes) {
        const metering::Price own{.input_per_million = model.input_per_million, .output_per_million = model.output_per_million};
        const auto price = shelf.prices.now(model.name, own, mode.tier);
        add(mode, "input_token", "input", price.input_per_million);
        if (model.can(catalog::Capability::embedding)) continue;  // it answers with numbers
        if (price.cached_per_million) add(mode, "input_cached_token", "cached", *price.cached_per_million);
        add(mode, "output_token", "output", price.output_per_million);
    }
}

// Scaleway's units know no shot and no circuit; a request is the nearest. What costs nothing is no product.
void add_quantum(const Shelf& shelf, const QuantumOffer& offer, std::vector<Product>& into) {
    const auto price = shelf.prices.now(offer.name, offer.price);
    const auto session = shelf.prices.rate_now(offer.name, metering::Unit::session_hour);
    struct Line {
        std::string_view what, said, unit;
        Money rate;
    };
    const Line lines[] = {{"hour", "an hour of computing", "hour", price.per_hour},
                          {"session_hour", "an hour of a session", "hour", session.value_or(Money())},
                          {"shot", "one shot", "request", price.per_shot},
                          {"circuit", "one circuit", "request", price.per_circuit}};
    for (const auto& line : lines) {
        if (line.rate == Money()) continue;
        auto& made = into.emplace_back();
        made.sku = fmt::format("/quantum/{}/{}/{}", in_sku(offer.name), line.what, shelf.zone.name.str());
        made.service_category = "Quantum";
        made.product_category = "Quantum as a Service";
        made.product = offer.name;
        made.variant = fmt::format("{} - {} - {}", offer.name, line.said, shelf.zone.name.str());
        made.description = fmt::format("{} Price of {}.", offer.description, line.said);
        made.locality = in_zone(shelf.zone.name);
        made.price = RetailPrice{line.rate};
        made.properties.emplace();
        made.unit_of_measure = UnitOfMeasure{std::string(line.unit), 1};
        made.status = "general_availability";
        if (line.what == "hour" && shelf.zone.declared)
            made.environmental_impact_estimation = impact_of_hour(shelf.zone.declared->node_watts, shelf.zone);
    }
}

}  // namespace

std::string instance_sku(std::string_view node_type, const geography::Zone& zone) {
    return fmt::format("/compute/{}/run_{}", in_sku(node_type), zone.str());
}

std::optional<Money> hour_of(const Shelf& shelf, std::string_view node_type) {
    return shelf.prices.rate_now(node_type, metering::Unit::node_second);
}

std::vector<Product> products_of(const Shelf& shelf) {
    std::vector<Product> made;
    const auto types = shelf.node_types();
    for (const auto& type : types) made.push_back(instance(shelf, type));
    for (const auto& type : types) {
        if (!type.disabled) made.push_back(managed_inference(shelf, type));
    }
    for (const auto& model : shelf.models()) add_model(shelf, model, made);
    for (const auto& offer : shelf.quantum) add_quantum(shelf, offer, made);
    return made;
}

}  // namespace meridian::marketplace
