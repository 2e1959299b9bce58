// Machines and what runs on them: nodes, node types, placement, and the drivers that start replicas.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/async.h"
#include "base/disk.h"
#include "base/expected.h"
#include "base/id.h"
#include "base/net.h"
#include "base/rng.h"
#include "geography/types.h"

namespace meridian::fleet {

struct Gpu {
    std::string name;  // "NVIDIA H100 80GB HBM3"
    std::string uuid;
    std::uint64_t memory_bytes = 0;
    int index = 0;            // among the node's, in the order of the PCI bus
    std::string device = {};  // "/dev/nvidia0": its number need not be the index in a container
};

struct Node {
    NodeId id;
    std::string name;  // host name
    geography::Zone zone;
    std::string arch;  // "x86_64", "aarch64"
    std::uint32_t cpus = 0;
    std::vector<int> cpu_ids = {};  // as the kernel counts them; as many as `cpus`, or empty where nobody asked
    std::uint64_t memory_bytes = 0;
    std::vector<Gpu> gpus;
    std::vector<std::string>
        sandbox_layers;    // what the kernel lets us have: "landlock-7", "seccomp", "user-ns", "net-ns", "rlimits", "cgroup-v1"
    std::string cpu = {};  // whose cores: "GenuineIntel", or "0x41-0xd0c" (implementer and part) on Arm; "" unknown
};

// Scaleway's words of a product's life, and one before them: announced by its maker, and nobody can have it.
enum class Lifecycle {
    announced,
    preview,
    public_beta,
    general_availability,
    end_of_new_features,
    end_of_growth,
    end_of_deployment,
    end_of_support,
    end_of_sale,
    end_of_life,
    retired,
};
enum class Stock { available, out_of_stock };

// What a catalogue says of a node type beside its size. What nobody has said is absent.
struct Particulars {
    std::string family, basis;  // `basis`: where the numbers come from
    Lifecycle lifecycle = Lifecycle::general_availability;
    std::string cpu;  // for people
    std::string gpu, gpu_manufacturer;
    std::uint64_t gpu_memory_bytes = 0;
    std::optional<std::uint64_t> internet_bits = std::nullopt;  // a second
    std::optional<std::uint32_t> watts = std::nullopt;          // what its processors draw at most, with their memory on the package
    std::string watts_basis;
    std::vector<std::string> replaced_by;
};

// What people choose from when they deploy.
struct NodeType {
    std::string name, description;  // "CPU-2C-8G"
    std::string arch;
    std::uint32_t vcpus = 0, gpus = 0;
    std::uint64_t memory_bytes = 0, vram_bytes = 0;
    std::string gpu = {};  // the kind, as Gpu::name says it; empty without GPUs
    std::string cpu = {};  // whose cores, as Node::cpu says it; empty where any of the architecture will do
    bool disabled = false;
    Stock stock = Stock::available;
    std::optional<Particulars> about = {};  // of a catalogue's; nothing where the machine itself is all there is to say
    [[nodiscard]] bool is_offered() const { return stock == Stock::available && !disabled; }
};

struct Need {
    std::uint64_t memory_bytes = 0;
    std::uint32_t cpus = 1, gpus = 0;
    std::string arch = {};  // "" any
    std::string gpu = {};   // the kind, "" any
    std::string cpu = {};   // whose cores, "" any
    // Of the node as a whole: what a node type promises.
    std::uint32_t node_cpus = 0;
    std::uint64_t node_memory_bytes = 0;
    std::uint32_t cpus_wished = 0, cpus_most = UINT32_MAX;  // CPUs of its own; 0: half of what is free
};
// The same need on nodes that are of this type only.
Need on_type(Need need, const NodeType& type);

struct Load {
    std::uint64_t memory_used = 0;
    std::uint32_t cpus_used = 0;
    std::vector<int> gpus_used;
    std::vector<int> cpu_ids_used = {};  // a CPU that several share is named several times
};
struct Placement {
    NodeId node;
    std::vector<int> gpus;
    std::vector<int> cpu_ids;  // its own while there are enough; one stays with the rest of the host
    std::string because;       // "node debian holds 0.4 GiB of 23 GiB and is in fr-par-1, which the project's policy allows"
};
// Pure. The diagnostic says for every node why not.
expected<Placement> place(const Need& need, const geography::Residency& residency, std::span<const Node> nodes,
                          std::span<const Load> loads);
// Pure. The CPUs for one more replica: half of those that nobody has, so that the next one finds some of its own; when none are left, the
// one that the fewest share. The first CPU of a node is left to everything else.
std::vector<int> choose_cpus(const Node& node, const Load& load, const Need& need);

// What a replica is made of. Arguments and environment may hold {socket} (the Unix socket to serve on), {secret_file} and {directory} (the
// only one it may write to), the environment also {secret}.
struct Launch {
    ReplicaId id;
    std::string program;
    std::vector<std::string> arguments;
    std::vector<std::string> environment;     // "NAME=value", nothing is inherited
    std::vector<std::string> readable_paths;  // beside the system's libraries
    std::string log_path;                     // content: lives in the project's content store
    std::string health_path = "/health";      // 200 means ready, 503 loading
    std::uint64_t memory_bytes = 0;
    std::vector<int> cpu_ids = {};              // empty: any
    std::vector<std::string> gpu_devices = {};  // device nodes; no others of their kind are shown
};

enum class ReplicaState { starting, loading, ready, backing_off, failed, stopped };
std::string_view name(ReplicaState state);

struct Replica {
    ReplicaId id;
    ReplicaState state = ReplicaState::starting;
    Address address;     // Unix socket
    std::string secret;  // bearer of this replica alone
    std::string detail;  // for people: last error, exit status, back-off
    int restarts = 0;
    std::vector<std::string> layers;  // sandbox layers it really got
    int pid = 0;                      // of the program, as this host sees it; 0 while there is none
};

// Two implementations today: `process` (this host) and the fake of the tests; slurm and kubernetes come later.
class Driver {
public:
    virtual ~Driver() = default;
    // Claims replicas that survived an earlier Meridian. Call once before anything else; those not in `wanted` are stopped.
    virtual Task<std::vector<Replica>> adopt(std::vector<ReplicaId> wanted) = 0;
    // Starts, or returns the running one of that id.
    virtual Task<Replica> start(Launch launch) = 0;
    virtual Task<> stop(ReplicaId id, Duration grace) = 0;
    virtual std::optional<Replica> find(ReplicaId id) = 0;
    // Told of every change of state, on the driver's executor.
    virtual void on_change(std::function<void(const Replica&)> told) = 0;
    // A clean end of Meridian: stops every replica (Leave::stop) or leaves them to be claimed by the next (Leave::running).
    enum class Leave { stop, running };
    virtual Task<> shutdown(Leave leave) = 0;
};

struct ProcessDriverOptions {
    std::string directory;     // "<data>/zones/<zone>/replicas": sockets, shim state. Kept short: a Unix path has 107 bytes
    std::string shim_program;  // our own binary; run as `meridian shim ...`
    Duration unclaimed_limit = std::chrono::seconds(30);
    Duration health_every = std::chrono::seconds(2);
    // A crashed replica waits this long, then twice as long each time; so many crashes within the window, and it has failed.
    Duration backoff_first = std::chrono::milliseconds(500), backoff_longest = std::chrono::seconds(30);
    int crashes_max = 5;
    Duration crash_window = std::chrono::seconds(60);
};
std::unique_ptr<Driver> process_driver(Disk& disk, Network& network, Clock& clock, Rng& rng, Pool& pool, Executor executor,
                                       ProcessDriverOptions options);

// The shim's main(): owns one child, obeys one lease holder over a Unix socket. Plain POSIX, one thread.
int shim_main(int argc, char** argv);

// Looks at this host: CPUs, memory, GPUs (nvidia-smi where it exists), and what the kernel allows for sandboxes. Blocking.
Node probe_host(Disk& disk, Rng& rng, const geography::Zone& zone, const std::string& state_directory);
// What the nodes are, by their own CPUs and GPUs.
std::vector<NodeType> node_types(std::span<const Node> nodes);

}  // namespace meridian::fleet
