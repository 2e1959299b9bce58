// Making a connection: resolve, judge, connect, shake hands. Can be left at any moment, also where the system cannot stop
// (a look-up in a resolver's thread): what still comes of it is closed unseen.
#pragma once
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <exception>
#include <memory>

#include "http/client.h"

namespace meridian::http {

// Goes to the very address that was judged; there is no second look-up. The services must outlive it, so a client's owner stops the
// loop before it destroys them.
struct Way {
    Network& network;
    Clock& clock;
    Executor executor;
    const EgressPolicy& policy;
    std::shared_ptr<TlsClientContext> trust;  // null: the system's
    Duration connect_time;
};

class Opening : public std::enable_shared_from_this<Opening> {
public:
    // `keep` holds what `way` refers to.
    void start(Way way, Target target, std::shared_ptr<void> keep);
    // Ends with the stream, or what hindered it; with Kind::cancelled after leave(). Once.
    Task<ClientResult<std::unique_ptr<Stream>>> wait();
    void leave();

private:
    static Task<ClientResult<std::unique_ptr<Stream>>> open(std::shared_ptr<Opening> self, Way way, Target target,
                                                            std::shared_ptr<void> keep);
    void wake();

    asio::cancellation_signal signal_;
    asio::any_completion_handler<void()> waiter_;
    Executor executor_;
    ClientResult<std::unique_ptr<Stream>> result_;
    std::exception_ptr failure_;
    Stream* shaking_hands_ = nullptr;  // closing it ends the handshake
    bool ended_ = false, left_ = false;
};

}  // namespace meridian::http
