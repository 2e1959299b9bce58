// A network of pipes in memory, on one thread and in virtual time.
#pragma once
#include <deque>
#include <map>
#include <set>

#include "base/sim/clock.h"
#include "base/sim/world.h"

namespace meridian::sim {

class Pipe;
struct Port;

class PipeNetwork final : public SimNetwork {
public:
    PipeNetwork(Executor executor, SimClock& clock);
    ~PipeNetwork() override;

    Task<IoResult<std::vector<IpAddress>>> resolve(std::string host) override;
    Task<IoResult<std::unique_ptr<Stream>>> connect(Address to, Duration limit) override;
    IoResult<std::unique_ptr<Listener>> listen(Executor executor, const Address& at) override;

    void set_latency(Duration one_way) override { latency_ = one_way; }
    void cut(const Address& listener) override;
    void heal(const Address& listener) override;
    void name(std::string host, std::vector<IpAddress> addresses) override;

    // Drops every operation that waits, and with it the coroutine behind it.
    void clear();

private:
    struct Connection {
        Address listener;
        std::weak_ptr<Pipe> there, back;
    };

    std::shared_ptr<Port> find(const Address& to);
    bool is_cut(const Address& to) const;
    // Two ends; the second goes to the listener.
    std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> join(const Address& to);

    Executor executor_;
    SimClock& clock_;
    Duration latency_{};
    std::uint16_t next_port_ = 49152;
    std::size_t turn_ = 0;
    std::vector<std::weak_ptr<Port>> ports_;
    std::vector<Connection> connections_;
    std::vector<Address> cut_;
    std::map<std::string, std::vector<IpAddress>> names_;
};

}  // namespace meridian::sim
