// Scaleway's product-catalog/v2alpha1 on the wire. Every key is written, also when null: its clients index them.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/money.h"
#include "base/time.h"
#include "resource/fields.h"

namespace meridian::marketplace {

struct CpuPhysical {
    std::uint32_t sockets = 0, cores_per_socket = 0, threads_per_core = 0;
    std::uint64_t frequency = 0;
    std::uint32_t benchmark = 0;
};
constexpr auto describe(As<CpuPhysical>) {
    using C = CpuPhysical;
    return fields(field("sockets", &C::sockets), field("cores_per_socket", &C::cores_per_socket),
                  field("threads_per_core", &C::threads_per_core), field("frequency", &C::frequency), field("benchmark", &C::benchmark));
}
struct CpuVirtual {
    std::uint32_t count = 0;
};
constexpr auto describe(As<CpuVirtual>) { return fields(field("count", &CpuVirtual::count)); }
struct HardwareCpu {
    std::string description, arch = "unknown_arch", type;
    std::optional<CpuVirtual> cpus;
    std::optional<CpuPhysical> physical;
    std::uint32_t threads = 0;
    bool shared = false;
};
constexpr auto describe(As<HardwareCpu>) {
    using C = HardwareCpu;
    return fields(field("description", &C::description), field("arch", &C::arch), field("type", &C::type), field("virtual", &C::cpus),
                  field("physical", &C::physical), field("threads", &C::threads), field("shared", &C::shared));
}
struct HardwareRam {
    std::string description;
    std::uint64_t size = 0;
    std::string type;
    std::optional<std::string> ecc_type;
};
constexpr auto describe(As<HardwareRam>) {
    using R = HardwareRam;
    return fields(field("description", &R::description), field("size", &R::size), field("type", &R::type), field("ecc_type", &R::ecc_type));
}
struct HardwareStorage {
    std::string description;
    std::uint64_t total = 0;
};
constexpr auto describe(As<HardwareStorage>) {
    return fields(field("description", &HardwareStorage::description), field("total", &HardwareStorage::total));
}
struct HardwareNetwork {
    std::string description;
    std::uint64_t internal_bandwidth = 0, public_bandwidth = 0, max_public_bandwidth = 0;
};
constexpr auto describe(As<HardwareNetwork>) {
    using N = HardwareNetwork;
    return fields(field("description", &N::description), field("internal_bandwidth", &N::internal_bandwidth),
                  field("public_bandwidth", &N::public_bandwidth), field("max_public_bandwidth", &N::max_public_bandwidth));
}
struct HardwareGpu {
    std::string description;
    std::uint32_t count = 0;
    std::string type;
};
constexpr auto describe(As<HardwareGpu>) {
    return fields(field("description", &HardwareGpu::description), field("count", &HardwareGpu::count), field("type", &HardwareGpu::type));
}
struct Hardware {
    std::optional<HardwareCpu> cpu;
    std::optional<HardwareRam> ram;
    std::optional<HardwareStorage> storage;
    std::optional<HardwareNetwork> network;
    std::optional<HardwareGpu> gpu;
};
constexpr auto describe(As<Hardware>) {
    using H = Hardware;
    return fields(field("cpu", &H::cpu), field("ram", &H::ram), field("storage", &H::storage), field("network", &H::network),
                  field("gpu", &H::gpu));
}

struct InstanceProperties {
    std::string range, offer_id;
    std::vector<std::string> recommended_replacement_offer_ids;
};
constexpr auto describe(As<InstanceProperties>) {
    using I = InstanceProperties;
    return fields(field("range", &I::range), field("offer_id", &I::offer_id),
                  field("recommended_replacement_offer_ids", &I::recommended_replacement_offer_ids));
}
struct InferenceDeployment {
    std::string instance_gpu_name;
};
constexpr auto describe(As<InferenceDeployment>) { return fields(field("instance_gpu_name", &InferenceDeployment::instance_gpu_name)); }
struct ManagedInferenceProperties {
    std::string instance_gpu_name;
    std::optional<InferenceDeployment> deployment;
    Json custom_model_storage;
};
constexpr auto describe(As<ManagedInferenceProperties>) {
    using M = ManagedInferenceProperties;
    return fields(field("instance_gpu_name", &M::instance_gpu_name), field("deployment", &M::deployment),
                  field("custom_model_storage", &M::custom_model_storage));
}
struct GenerativeProperties {
    bool reasoning = false;
    std::vector<std::string> supported_apis;
    std::string consumption_mode, provider_name;
    std::vector<std::string> tasks;
    std::string token_type;
    std::vector<std::string> supported_reasoning_values;
    std::optional<std::string> default_reasoning_value;
};
constexpr auto describe(As<GenerativeProperties>) {
    using G = GenerativeProperties;
    return fields(field("reasoning", &G::reasoning), field("supported_apis", &G::supported_apis),
                  field("consumption_mode", &G::consumption_mode), field("provider_name", &G::provider_name), field("tasks", &G::tasks),
                  field("token_type", &G::token_type), field("supported_reasoning_values", &G::supported_reasoning_values),
                  field("default_reasoning_value", &G::default_reasoning_value));
}

// One of them is set beside `hardware`, and none for what Scaleway has no word for. The others are of products that are not offered here.
struct Properties {
    std::optional<Hardware> hardware;
    std::optional<InstanceProperties> instance;
    std::optional<ManagedInferenceProperties> managed_inference;
    std::optional<GenerativeProperties> generative_apis;
    Json none;
};
constexpr auto describe(As<Properties>) {
    using P = Properties;
    return fields(
        field("hardware", &P::hardware), field("dedibox", &P::none), field("elastic_metal", &P::none), field("apple_silicon", &P::none),
        field("instance", &P::instance), field("block_storage", &P::none), field("object_storage", &P::none),
        field("managed_inference", &P::managed_inference), field("generative_apis", &P::generative_apis), field("load_balancer", &P::none),
        field("secret_manager", &P::none), field("managed_redis_database", &P::none), field("key_manager", &P::none),
        field("kubernetes", &P::none), field("managed_relational_database", &P::none), field("serverless_functions", &P::none),
        field("serverless_containers", &P::none), field("managed_mongodb", &P::none), field("serverless_jobs", &P::none),
        field("serverless_sql_database", &P::none), field("apache_kafka", &P::none), field("open_search", &P::none),
        field("instance_local_ssd_snapshot", &P::none), field("instance_local_ssd_storage", &P::none), field("file_storage", &P::none));
}

struct Locality {
    std::optional<bool> global;
    std::optional<std::string> region, zone, datacenter;
};
constexpr auto describe(As<Locality>) {
    using L = Locality;
    return fields(field("global", &L::global), field("region", &L::region), field("zone", &L::zone), field("datacenter", &L::datacenter));
}
struct RetailPrice {
    std::optional<Money> retail_price;
};
constexpr auto describe(As<RetailPrice>) { return fields(field("retail_price", &RetailPrice::retail_price)); }
struct ImpactEstimation {
    float kg_co2_equivalent = 0, m3_water_usage = 0;
};
constexpr auto describe(As<ImpactEstimation>) {
    return fields(field("kg_co2_equivalent", &ImpactEstimation::kg_co2_equivalent),
                  field("m3_water_usage", &ImpactEstimation::m3_water_usage));
}
struct UnitOfMeasure {
    std::string unit;
    std::uint64_t size = 1;
};
constexpr auto describe(As<UnitOfMeasure>) { return fields(field("unit", &UnitOfMeasure::unit), field("size", &UnitOfMeasure::size)); }

struct Product {
    std::string sku, service_category, product_category, product, variant, description;
    std::optional<Locality> locality;
    std::optional<RetailPrice> price;
    std::optional<Properties> properties;
    std::optional<ImpactEstimation> environmental_impact_estimation;
    std::optional<UnitOfMeasure> unit_of_measure;
    std::string status;
    std::optional<Timestamp> end_of_life_at, end_of_growth_at, end_of_sale_at;
    std::vector<std::string> badges;
};
constexpr auto describe(As<Product>) {
    using P = Product;
    return fields(field("sku", &P::sku), field("service_category", &P::service_category), field("product_category", &P::product_category),
                  field("product", &P::product), field("variant", &P::variant), field("description", &P::description),
                  field("locality", &P::locality), field("price", &P::price), field("properties", &P::properties),
                  field("environmental_impact_estimation", &P::environmental_impact_estimation),
                  field("unit_of_measure", &P::unit_of_measure), field("status", &P::status), field("end_of_life_at", &P::end_of_life_at),
                  field("end_of_growth_at", &P::end_of_growth_at), field("end_of_sale_at", &P::end_of_sale_at),
                  field("badges", &P::badges));
}

}  // namespace meridian::marketplace
