// OpenSSL never sees a socket: it reads from one memory buffer and writes to another, and this file carries the bytes between these
// and the raw stream. One read and one write of the user may be under way at once, each of which may need raw reads or writes;
// the raw write is shared, for what OpenSSL has to say by itself (a key update, an alert) goes out by the same door.
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include "base/error.h"
#include "http/tls.h"
#include "http/tls_shared.h"

namespace meridian::http {
namespace {

constexpr std::size_t read_size = 8 * 1024;
constexpr std::size_t record_max = 16 * 1024;
constexpr std::size_t encrypt_at_once = 64 * 1024;

class TlsLink : public std::enable_shared_from_this<TlsLink> {
public:
    TlsLink(std::unique_ptr<Stream> raw, std::shared_ptr<const TlsShared> shared, Executor executor)
        : raw_(std::move(raw)), shared_(std::move(shared)), executor_(std::move(executor)), ssl_(SSL_new(shared_->context.get())) {
        MERIDIAN_ASSERT(ssl_);
        in_ = BIO_new(BIO_s_mem());
        out_ = BIO_new(BIO_s_mem());
        MERIDIAN_ASSERT(in_ && out_);
        BIO_set_mem_eof_return(in_, -1);  // empty is not the end
        SSL_set_bio(ssl_.get(), in_, out_);
    }
    SSL* ssl() { return ssl_.get(); }
    Stream& raw() { return *raw_; }
    [[nodiscard]] bool is_open() const { return !closed_; }

    Task<ErrorCode> handshake();
    void read(std::span<char> into, Stream::Done done);
    void write(std::span<const std::string_view> parts, Stream::Done done);
    void close() noexcept;

private:
    void go_on_reading();
    void go_on_writing();
    void raw_read_done(ErrorCode error, std::size_t count);
    void flush();
    void flushed(ErrorCode error);
    bool encrypt();
    void finish(Stream::Done& done, ErrorCode error, std::size_t count);
    std::string take_output();

    std::unique_ptr<Stream> raw_;
    std::shared_ptr<const TlsShared> shared_;
    Executor executor_;
    Ssl ssl_;
    BIO* in_ = nullptr;  // both belong to ssl_
    BIO* out_ = nullptr;

    Stream::Done reader_, writer_;
    std::span<char> into_;
    std::array<std::string_view, 16> parts_;
    std::size_t parts_count_ = 0, part_ = 0, written_ = 0;
    std::unique_ptr<char[]> raw_in_;
    std::string raw_out_;  // in flight
    bool raw_reading_ = false, raw_writing_ = false, raw_ended_ = false, closed_ = false, agreed_ = false;
};

// The user's handler is never called from inside of the call that took it.
void TlsLink::finish(Stream::Done& done, ErrorCode error, std::size_t count) {
    asio::post(executor_, [handler = std::exchange(done, nullptr), error, count]() mutable { std::move(handler)(error, count); });
}

std::string TlsLink::take_output() {
    std::string out(BIO_ctrl_pending(out_), '\0');
    if (!out.empty()) BIO_read(out_, out.data(), static_cast<int>(out.size()));
    return out;
}

Task<ErrorCode> TlsLink::handshake() {
    std::array<char, 4096> buffer;
    for (;;) {
        ERR_clear_error();
        const int result = SSL_do_handshake(ssl_.get());
        const int reason = SSL_get_error(ssl_.get(), result);
        const auto failure = result == 1 || reason == SSL_ERROR_WANT_READ ? ErrorCode() : openssl_error();
        // Also after a failure: the other side is to learn why.
        if (const auto out = take_output(); !out.empty()) {
            if (const auto sent = co_await raw_->write(out); !sent && !failure) co_return sent.error();
        }
        if (result == 1) break;
        if (reason != SSL_ERROR_WANT_READ) {
            const auto verified = SSL_get_verify_result(ssl_.get());
            co_return verified == X509_V_OK ? failure : verification_error(verified);
        }
        const auto got = co_await raw_->read_some(buffer);
        if (!got) co_return got.error();
        BIO_write(in_, buffer.data(), static_cast<int>(*got));
    }
    agreed_ = true;
    co_return ErrorCode();
}

void TlsLink::read(std::span<char> into, Stream::Done done) {
    MERIDIAN_ASSERT(!reader_);
    reader_.swap(done);  // the move assignment of Boost 1.81 calls itself without end
    into_ = into;
    go_on_reading();
}

void TlsLink::go_on_reading() {
    if (!reader_) return;
    if (closed_) return finish(reader_, asio::error::operation_aborted, 0);
    ERR_clear_error();
    std::size_t count = 0;
    const int result = SSL_read_ex(ssl_.get(), into_.data(), into_.size(), &count);
    const int reason = SSL_get_error(ssl_.get(), result);
    flush();  // an answer to a key update, or an alert
    if (result == 1) return finish(reader_, {}, count);
    if (reason == SSL_ERROR_ZERO_RETURN) return finish(reader_, asio::error::eof, 0);
    if (reason != SSL_ERROR_WANT_READ) return finish(reader_, openssl_error(), 0);
    // An end without a farewell may be somebody cutting the line: it is not the end of the message.
    if (raw_ended_) return finish(reader_, asio::error::connection_reset, 0);
    if (raw_reading_) return;
    raw_reading_ = true;
    if (!raw_in_) raw_in_ = std::make_unique_for_overwrite<char[]>(read_size);
    raw_->async_read_some(
        {raw_in_.get(), read_size},
        asio::bind_executor(executor_, [self = shared_from_this()](ErrorCode error, std::size_t got) { self->raw_read_done(error, got); }));
}

void TlsLink::raw_read_done(ErrorCode error, std::size_t count) {
    raw_reading_ = false;
    if (error) {
        raw_ended_ = true;
    } else {
        BIO_write(in_, raw_in_.get(), static_cast<int>(count));
    }
    go_on_reading();
}

void TlsLink::write(std::span<const std::string_view> parts, Stream::Done done) {
    MERIDIAN_ASSERT(!writer_ && parts.size() <= parts_.size());
    writer_.swap(done);
    std::ranges::copy(parts, parts_.begin());
    parts_count_ = parts.size();
    part_ = written_ = 0;
    go_on_writing();
}

// Small neighbours (the size of a chunk, the chunk, its line end) share a record: each record costs 29 bytes and a MAC.
bool TlsLink::encrypt() {
    std::array<char, record_max> record;
    for (std::size_t total = 0; part_ < parts_count_ && total < encrypt_at_once;) {
        std::size_t filled = 0;
        while (part_ < parts_count_ && filled < record.size()) {
            auto& part = parts_[part_];
            const auto piece = part.substr(0, record.size() - filled);
            std::ranges::copy(piece, record.begin() + static_cast<std::ptrdiff_t>(filled));
            filled += piece.size();
            part.remove_prefix(piece.size());
            if (part.empty()) ++part_;
        }
        std::size_t taken = 0;
        ERR_clear_error();
        if (filled > 0 && (SSL_write_ex(ssl_.get(), record.data(), filled, &taken) != 1 || taken != filled)) return false;
        total += filled;
        written_ += filled;
    }
    return true;
}

void TlsLink::go_on_writing() {
    if (!writer_ || raw_writing_) return;
    if (closed_) return finish(writer_, asio::error::operation_aborted, 0);
    if (part_ == parts_count_) return finish(writer_, {}, written_);
    if (!encrypt()) return finish(writer_, openssl_error(), 0);
    flush();
    if (!raw_writing_) finish(writer_, {}, written_);  // there was nothing to write
}

void TlsLink::flush() {
    if (raw_writing_ || closed_) return;
    raw_out_ = take_output();
    if (raw_out_.empty()) return;
    raw_writing_ = true;
    const std::string_view out = raw_out_;
    raw_->async_write(std::span(&out, 1),
                      asio::bind_executor(executor_, [self = shared_from_this()](ErrorCode error, std::size_t) { self->flushed(error); }));
}

void TlsLink::flushed(ErrorCode error) {
    raw_writing_ = false;
    if (error) {
        raw_ended_ = true;
        if (writer_) finish(writer_, error, 0);
        return;
    }
    flush();  // what was added meanwhile
    go_on_writing();
}

void TlsLink::close() noexcept {
    if (std::exchange(closed_, true)) return;
    // A farewell, so that the other side knows that nothing was cut off; but not behind bytes that it does not take.
    const bool says_farewell = agreed_ && !raw_writing_ && !raw_ended_ && raw_->is_open();
    if (says_farewell) {
        ERR_clear_error();
        SSL_shutdown(ssl_.get());
        raw_out_ = take_output();
    }
    if (says_farewell && !raw_out_.empty()) {
        const std::string_view out = raw_out_;
        raw_->async_write(std::span(&out, 1),
                          asio::bind_executor(executor_, [self = shared_from_this()](ErrorCode, std::size_t) { self->raw_->close(); }));
    } else {
        raw_->close();
    }
    if (reader_) finish(reader_, asio::error::operation_aborted, 0);
    if (writer_) finish(writer_, asio::error::operation_aborted, 0);
}

class TlsStream final : public Stream {
public:
    explicit TlsStream(std::shared_ptr<TlsLink> link) : link_(std::move(link)) {}
    ~TlsStream() override { link_->close(); }
    TlsStream(const TlsStream&) = delete;
    TlsStream& operator=(const TlsStream&) = delete;

    void async_read_some(std::span<char> into, Done done) override { link_->read(into, std::move(done)); }
    void async_write(std::span<const std::string_view> parts, Done done) override { link_->write(parts, std::move(done)); }
    void close() noexcept override { link_->close(); }
    [[nodiscard]] bool is_open() const override { return link_->is_open(); }
    [[nodiscard]] Address peer() const override { return link_->raw().peer(); }

private:
    // Shared with the handlers of raw operations, which end a turn of the loop after the stream was destroyed.
    std::shared_ptr<TlsLink> link_;
};

Task<IoResult<std::unique_ptr<Stream>>> agree(std::shared_ptr<TlsLink> link) {
    const auto failure = co_await link->handshake();
    if (failure) {
        link->close();
        co_return std::unexpected(failure);
    }
    co_return std::make_unique<TlsStream>(std::move(link));
}

// Names are asked for by SNI and checked as names, addresses only checked.
bool expect_host(SSL* ssl, const std::string& host) {
    ErrorCode no_address;
    asio::ip::make_address(host, no_address);
    if (!no_address) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}

}  // namespace

Task<IoResult<std::unique_ptr<Stream>>> tls_accept(std::unique_ptr<Stream> raw, std::shared_ptr<TlsContext> context) {
    auto link = std::make_shared<TlsLink>(std::move(raw), context->current(), co_await asio::this_coro::executor);
    SSL_set_accept_state(link->ssl());
    co_return co_await agree(std::move(link));
}

Task<IoResult<std::unique_ptr<Stream>>> tls_connect(std::unique_ptr<Stream> raw, std::string host,
                                                    std::shared_ptr<TlsClientContext> context) {
    if (!context) context = TlsClientContext::system();
    auto link = std::make_shared<TlsLink>(std::move(raw), context->current(), co_await asio::this_coro::executor);
    SSL_set_connect_state(link->ssl());
    if (host.empty() || !expect_host(link->ssl(), host)) co_return std::unexpected(ErrorCode(asio::error::invalid_argument));
    co_return co_await agree(std::move(link));
}

}  // namespace meridian::http
