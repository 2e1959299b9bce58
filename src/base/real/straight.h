// A completion handler that is called where the operation completes, without asking it for an executor: the operations of this
// folder belong to one executor, and a dispatch through a type-erased one would cost more than the call.
#pragma once
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <utility>

namespace meridian::real {

template <class... Signature>
class Straight {
public:
    using Done = boost::asio::any_completion_handler<Signature...>;
    using allocator_type = boost::asio::associated_allocator_t<Done>;
    using cancellation_slot_type = boost::asio::cancellation_slot;

    explicit Straight(Done done) : done_(std::move(done)) {}
    [[nodiscard]] allocator_type get_allocator() const noexcept { return boost::asio::get_associated_allocator(done_); }
    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept {
        return boost::asio::get_associated_cancellation_slot(done_);
    }
    template <class... A>
    void operator()(A&&... a) {
        std::move(done_)(std::forward<A>(a)...);
    }

private:
    Done done_;
};

}  // namespace meridian::real
