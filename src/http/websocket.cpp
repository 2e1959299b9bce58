#include "http/websocket.h"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <boost/beast/websocket/teardown.hpp>

#include "base/error.h"

namespace meridian::http {

namespace websocket_detail {

namespace beast = boost::beast;

// What Beast wants a stream to be. Named, not anonymous: Beast finds `teardown` by its namespace.
class Line {
public:
    using executor_type = Executor;

    Line(Stream& stream, std::string early, Executor executor)
        : stream_(stream), early_(std::move(early)), executor_(std::move(executor)) {}
    [[nodiscard]] executor_type get_executor() const { return executor_; }
    void close() { stream_.close(); }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return asio::async_initiate<Token, void(ErrorCode, std::size_t)>(
            [this](auto handler, const Buffers& into) { this->read(first<asio::mutable_buffer>(into), std::move(handler)); }, token,
            buffers);
    }
    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return asio::async_initiate<Token, void(ErrorCode, std::size_t)>(
            [this](auto handler, const Buffers& from) {
                std::array<std::string_view, 16> parts;
                std::size_t count = 0;
                for (auto it = asio::buffer_sequence_begin(from); it != asio::buffer_sequence_end(from) && count < parts.size(); ++it) {
                    const asio::const_buffer one(*it);
                    if (one.size() > 0) parts[count++] = {static_cast<const char*>(one.data()), one.size()};
                }
                stream_.async_write(std::span(parts.data(), count), asio::bind_executor(executor_, std::move(handler)));
            },
            token, buffers);
    }

private:
    template <class Buffer, class Buffers>
    static Buffer first(const Buffers& buffers) {
        for (auto it = asio::buffer_sequence_begin(buffers); it != asio::buffer_sequence_end(buffers); ++it) {
            if (const Buffer one(*it); one.size() > 0) return one;
        }
        return {};
    }
    template <class Handler>
    void read(asio::mutable_buffer into, Handler handler) {
        if (early_.empty()) {
            stream_.async_read_some({static_cast<char*>(into.data()), into.size()}, asio::bind_executor(executor_, std::move(handler)));
            return;
        }
        const auto count = asio::buffer_copy(into, asio::buffer(early_));
        early_.erase(0, count);
        asio::post(executor_, [handler = std::move(handler), count]() mutable { std::move(handler)(ErrorCode(), count); });
    }

    Stream& stream_;
    std::string early_;
    Executor executor_;
};

void teardown(beast::role_type, Line& line, ErrorCode& error) {
    line.close();
    error = {};
}

template <class Handler>
void async_teardown(beast::role_type, Line& line, Handler&& handler) {
    line.close();
    asio::post(line.get_executor(), [handler = std::forward<Handler>(handler)]() mutable { std::move(handler)(ErrorCode()); });
}

// Beast would call it when a timer of its own runs out; none is set, for the server's sweep has the deadlines.
void beast_close_socket(Line& line) { line.close(); }

class Socket final : public WebSocket {
public:
    Socket(Line line, SlowWatch watch) : stream_(std::move(line)), watch_(std::move(watch)) {}

    Task<ErrorCode> accept(const Request& request, std::size_t message_max) {
        beast::http::request<beast::http::empty_body> asked;
        asked.method_string(request.method);
        asked.target(request.target);
        asked.version(11);
        for (const auto& [name, value] : request.headers) asked.insert(name, value);
        stream_.read_message_max(message_max);
        stream_.set_option(beast::websocket::stream_base::decorator([id = request.id](beast::websocket::response_type& answer) {
            answer.set(beast::http::field::server, "meridian");
            answer.set("x-request-id", id);
        }));
        watch_(Slow::may_be);
        const auto [error] = co_await stream_.async_accept(asked, token);
        watch_(Slow::is_not);
        co_return error;
    }
    Task<std::optional<Message>> read() override {
        beast::flat_buffer buffer;
        const auto [error, count] = co_await stream_.async_read(buffer, token);
        if (error) co_return std::nullopt;
        co_return Message{stream_.got_text() ? Kind::text : Kind::binary, {static_cast<const char*>(buffer.data().data()), buffer.size()}};
    }
    Task<bool> write(Kind kind, std::string_view data) override {
        stream_.text(kind == Kind::text);
        watch_(Slow::may_be);
        const auto [error, count] = co_await stream_.async_write(asio::buffer(data), token);
        watch_(Slow::is_not);
        co_return !error;
    }
    Task<> close(std::uint16_t code, std::string reason) override {
        reason.resize(std::min<std::size_t>(reason.size(), 120));  // a control frame holds no more
        watch_(Slow::may_be);                                      // until the other side says goodbye too
        co_await stream_.async_close(beast::websocket::close_reason(static_cast<beast::websocket::close_code>(code), reason), token);
    }

private:
    static constexpr asio::as_tuple_t<asio::use_awaitable_t<>> token{asio::use_awaitable};
    beast::websocket::stream<Line, false> stream_;
    SlowWatch watch_;
};

}  // namespace websocket_detail

bool asks_for_websocket(const Request& request) {
    const auto word = request.headers.get("upgrade");
    return word.size() == 9 && std::ranges::equal(word, std::string_view("websocket"), [](char a, char b) { return (a | 0x20) == b; });
}

Task<std::unique_ptr<WebSocket>> accept_websocket(Stream& stream, std::string early, const Request& request, std::size_t message_max,
                                                  SlowWatch watch) {
    using namespace websocket_detail;
    auto socket = std::make_unique<Socket>(Line(stream, std::move(early), co_await asio::this_coro::executor), std::move(watch));
    const auto error = co_await socket->accept(request, message_max);
    if (!error) co_return socket;
    if (error.category() == make_error_code(beast::websocket::error::closed).category()) {
        throw Error(Fault::invalid, "This is not a proper WebSocket upgrade: " + error.message() + ".");
    }
    co_return nullptr;
}

}  // namespace meridian::http
