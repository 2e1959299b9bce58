#include "base/real/outbox.h"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include "base/real/straight.h"

namespace meridian::real {
namespace {

class Writing : public Straight<void(ErrorCode, std::size_t)> {
public:
    Writing(std::shared_ptr<Connection> connection, Done done) : Straight(std::move(done)), connection_(std::move(connection)) {}
    void operator()(ErrorCode failed, std::size_t bytes) {
        if (!connection_->advance(bytes) && !failed) {
            auto& to = *connection_;
            return to.socket.async_write_some(to.left(), std::move(*this));
        }
        if (failed == asio::error::bad_descriptor) failed = asio::error::operation_aborted;  // closed between two parts
        const auto written = connection_->written;
        connection_.reset();
        Straight::operator()(failed, written);
    }

private:
    std::shared_ptr<Connection> connection_;
};

}  // namespace

asio::execution_context::id Outbox::id;

bool Connection::advance(std::size_t bytes) {
    written += bytes;
    for (; first < count && bytes >= parts[first].size(); ++first) bytes -= parts[first].size();
    if (first < count) parts[first] += bytes;
    return first == count;
}

void Outbox::add(const std::shared_ptr<Connection>& writer) {
    writers_.push_back(writer);
    if (writers_.size() == 1) asio::post(writer->socket.get_executor(), [this] { send(); });
}

void Outbox::send() {
    sending_.swap(writers_);
    for (auto& writer : sending_) {
        Writing writing(writer, std::exchange(writer->done, nullptr));
        if (writer->left().size() == 1) {
            writer->socket.async_write_some(writer->left().front(), std::move(writing));
        } else {
            writer->socket.async_write_some(writer->left(), std::move(writing));
        }
    }
    sending_.clear();
}

void Outbox::shutdown() {
    writers_.clear();
    sending_.clear();
}

}  // namespace meridian::real
