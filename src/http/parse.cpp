#include "http/parse.h"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <limits>

#include "base/error.h"

namespace meridian::http {
namespace {

namespace beast = boost::beast;
using BeastString = beast::string_view;
using Code = beast::error_code;

constexpr std::size_t method_max = 24;
constexpr std::size_t chunk_line_max = 8 * 1024;    // the line before a chunk with its extensions, or the trailers
constexpr std::uint64_t reserve_max = 1024 * 1024;  // what a mere announcement of a body may make us allocate

std::string_view std_view(BeastString text) { return {text.data(), text.size()}; }

// A line that begins with a blank continues the one before, say old readers; newer ones disagree, and smugglers live on that.
bool has_fold(std::string_view head) {
    for (auto at = head.find('\n'); at != std::string_view::npos && at + 1 < head.size(); at = head.find('\n', at + 1)) {
        if (head[at + 1] == ' ' || head[at + 1] == '\t') return true;
    }
    return false;
}

// What both directions have in common. Beast decodes; the limits and the strictness are ours.
template <bool is_request>
class Decoder : public beast::http::basic_parser<is_request> {
public:
    using Base = beast::http::basic_parser<is_request>;

    Decoder(Headers& headers, std::string& body, const ParseLimits& limits) : headers_(headers), body_(body), limits_(limits) {
        this->body_limit(boost::none);
        this->header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(limits.head_bytes, std::numeric_limits<std::uint32_t>::max())));
    }

    ParseTrouble trouble = ParseTrouble::none;
    std::string said;
    std::uint64_t body_max = std::numeric_limits<std::uint64_t>::max(), body_seen = 0;
    bool discards_body = false, expects_continue = false;
    unsigned hosts = 0;

    void refuse(ParseTrouble kind, std::string why, Code& ec) {
        trouble = kind;
        said = std::move(why);
        ec = beast::http::error::bad_value;
    }

protected:
    void on_field_impl(beast::http::field field, BeastString name, BeastString value, Code& ec) override {
        if (this->is_header_done() || finished_head_) return;  // trailers say nothing that we use
        if (headers_.size() >= limits_.head_fields) return refuse(ParseTrouble::head_too_large, "too many header fields", ec);
        using beast::http::field;
        if (field == field::content_length) {
            if (++lengths_ > 1 || value.find(',') != BeastString::npos)
                return refuse(ParseTrouble::malformed, "several Content-Length", ec);
        } else if (field == field::transfer_encoding) {
            if (!beast::iequals(value, "chunked")) return refuse(ParseTrouble::malformed, "a Transfer-Encoding other than chunked", ec);
            if (is_1_0) return refuse(ParseTrouble::malformed, "Transfer-Encoding in HTTP/1.0", ec);
        } else if (field == field::host) {
            ++hosts;
        } else if (field == field::expect) {
            if (beast::iequals(value, "100-continue")) expects_continue = true;
        }
        headers_.add(std::string(name), std::string(value));
    }
    void on_header_impl(Code&) override { finished_head_ = true; }
    void on_body_init_impl(const boost::optional<std::uint64_t>& length, Code&) override {
        if (!discards_body && length) body_.reserve(static_cast<std::size_t>(std::min(*length, is_request ? reserve_max : 0)));
    }
    std::size_t on_body_impl(BeastString piece, Code& ec) override { return keep(piece, ec); }
    void on_chunk_header_impl(std::uint64_t, BeastString, Code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, BeastString piece, Code& ec) override { return keep(piece, ec); }
    void on_finish_impl(Code&) override {}

    bool is_1_0 = false;

private:
    std::size_t keep(BeastString piece, Code& ec) {
        body_seen += piece.size();
        if (body_seen > body_max) {
            refuse(ParseTrouble::body_too_large, "the body is too long", ec);
            return 0;
        }
        if (!discards_body) body_.append(piece.data(), piece.size());
        return piece.size();
    }

    Headers& headers_;
    std::string& body_;
    const ParseLimits& limits_;
    unsigned lengths_ = 0;
    bool finished_head_ = false;
};

class RequestDecoder final : public Decoder<true> {
public:
    RequestDecoder(Request& request, const ParseLimits& limits) : Decoder(request.headers, request.body, limits), request_(request) {}
    [[nodiscard]] bool is_http_1_0() const { return is_1_0; }

protected:
    void on_request_impl(beast::http::verb, BeastString method, BeastString target, int version, Code& ec) override {
        const auto word = std_view(method);
        if (word.size() > method_max || !std::ranges::all_of(word, [](char c) { return (c >= 'A' && c <= 'Z') || c == '-'; })) {
            return refuse(ParseTrouble::malformed, "the method is not an upper-case word", ec);
        }
        is_1_0 = version < 11;
        request_.method = word;
        request_.target = std_view(target);
        if (const auto read = read_target(request_); !read) return refuse(ParseTrouble::malformed, read.error().said, ec);
    }
    void on_response_impl(int, BeastString, int, Code&) override {}
    void on_header_impl(Code& ec) override {
        if (hosts > 1 || (hosts == 0 && !is_1_0)) return refuse(ParseTrouble::malformed, "there must be exactly one Host", ec);
        Decoder::on_header_impl(ec);
    }

private:
    Request& request_;
};

class ResponseDecoder final : public Decoder<false> {
public:
    using Decoder::Decoder;
    [[nodiscard]] int code() const { return code_; }

protected:
    void on_request_impl(beast::http::verb, BeastString, BeastString, int, Code&) override {}
    void on_response_impl(int code, BeastString, int version, Code&) override {
        code_ = code;
        is_1_0 = version < 11;
    }

private:
    int code_ = 0;
};

// Gives bytes to a decoder and keeps those that it cannot use yet: Beast wants a line whole, we want to give buffers back.
class Feeder {
public:
    void reset() {
        held_.clear();
        head_bytes_ = 0;
        started_ = false;
    }
    [[nodiscard]] bool started() const { return started_; }

    template <class D>
    expected<std::size_t> feed(D& decoder, std::string_view bytes, const ParseLimits& limits, bool stops_after_head) {
        const std::size_t had = held_.size();
        if (had) held_.append(bytes);
        const std::string_view all = had ? std::string_view(held_) : bytes;
        started_ = started_ || !bytes.empty();
        std::size_t used = 0;
        Code ec;
        while (!decoder.is_done() && used < all.size() && !ec) {
            const bool in_head = !decoder.is_header_done();
            const auto rest = all.substr(used);
            const auto count = decoder.put({rest.data(), rest.size()}, ec);
            used += count;
            if (!in_head) continue;
            head_bytes_ += count;
            if (has_fold(rest.substr(0, count))) decoder.refuse(ParseTrouble::malformed, "a header field continues on the next line", ec);
            if (stops_after_head && decoder.is_header_done()) break;
        }
        if (ec && ec != beast::http::error::need_more) return complain(decoder, ec, used);
        const std::size_t left = ec ? all.size() - used : 0;  // bytes that it has to see again
        const bool in_head = !decoder.is_header_done();
        if (head_bytes_ + (in_head ? left : 0) > limits.head_bytes) {
            decoder.refuse(ParseTrouble::head_too_large, "the header is too long", ec);
            return complain(decoder, ec, used);
        }
        if (!in_head && left > chunk_line_max) {
            decoder.refuse(ParseTrouble::malformed, "the line of a chunk is too long", ec);
            return complain(decoder, ec, used);
        }
        if (left == 0) {
            held_.clear();
            return used - had;
        }
        if (had) {
            held_.erase(0, used);
        } else {
            held_ = all.substr(used);
        }
        return bytes.size();
    }

private:
    template <class D>
    static std::unexpected<Diagnostic> complain(D& decoder, Code ec, std::size_t at) {
        if (decoder.trouble == ParseTrouble::none) {
            decoder.trouble = ec == beast::http::error::header_limit ? ParseTrouble::head_too_large : ParseTrouble::malformed;
            decoder.said = ec.message();
        }
        return complaint(decoder.said, at);
    }

    std::string held_;
    std::size_t head_bytes_ = 0;
    bool started_ = false;
};

}  // namespace

struct RequestParser::State {
    explicit State(ParseLimits l) : limits(l) { decoder.emplace(request, limits); }
    ParseLimits limits;
    Request request;
    Feeder feeder;
    std::optional<RequestDecoder> decoder;
};

RequestParser::RequestParser(ParseLimits limits) : state_(std::make_unique<State>(limits)) {}
RequestParser::~RequestParser() = default;
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;

expected<std::size_t> RequestParser::feed(std::string_view bytes) {
    return state_->feeder.feed(*state_->decoder, bytes, state_->limits, !state_->decoder->is_header_done());
}

expected<void> RequestParser::limit_body(std::size_t body_max) {
    auto& decoder = *state_->decoder;
    decoder.body_max = body_max;
    if (const auto length = content_length(); length && *length > body_max) {
        Code ec;
        decoder.refuse(ParseTrouble::body_too_large, "the body is too long", ec);
        return complaint(decoder.said);
    }
    return {};
}

void RequestParser::discard_body() { state_->decoder->discards_body = true; }
bool RequestParser::started() const { return state_->feeder.started(); }
bool RequestParser::head_done() const { return state_->decoder->is_header_done(); }
bool RequestParser::done() const { return state_->decoder->is_done(); }
ParseTrouble RequestParser::trouble() const { return state_->decoder->trouble; }
bool RequestParser::keep_alive() const { return state_->decoder->keep_alive(); }
bool RequestParser::is_http_1_0() const { return state_->decoder->is_http_1_0(); }
bool RequestParser::expects_continue() const { return state_->decoder->expects_continue && !is_http_1_0(); }
Request& RequestParser::request() { return state_->request; }

std::optional<std::uint64_t> RequestParser::content_length() const {
    const auto& decoder = *state_->decoder;
    if (decoder.chunked()) return std::nullopt;
    const auto length = decoder.content_length();
    return length ? *length : 0;
}

void RequestParser::reset() {
    auto& request = state_->request;
    request.method.clear();
    request.target.clear();
    request.path.clear();
    request.query.clear();
    request.params.clear();
    request.headers.clear();
    // A long body is not held on to for the sake of the next request.
    if (request.body.capacity() > 4096) {
        request.body = {};
    } else {
        request.body.clear();
    }
    state_->feeder.reset();
    state_->decoder.emplace(request, state_->limits);
}

struct ResponseParser::State {
    explicit State(ParseLimits l) : limits(l) { decoder.emplace(headers, body, limits); }
    ParseLimits limits;
    Headers headers;
    std::string body;
    Feeder feeder;
    bool has_body = true;
    std::optional<ResponseDecoder> decoder;

    void begin() {
        headers.clear();
        body.clear();
        feeder.reset();
        decoder.emplace(headers, body, limits);
        decoder->skip(!has_body);
    }
    [[nodiscard]] bool is_interim() const { return decoder->is_done() && decoder->code() / 100 == 1 && decoder->code() != 101; }
};

ResponseParser::ResponseParser(ParseLimits limits) : state_(std::make_unique<State>(limits)) {}
ResponseParser::~ResponseParser() = default;
ResponseParser::ResponseParser(ResponseParser&&) noexcept = default;
ResponseParser& ResponseParser::operator=(ResponseParser&&) noexcept = default;

expected<std::size_t> ResponseParser::feed(std::string_view bytes) {
    std::size_t used = 0;
    for (;;) {
        auto step = state_->feeder.feed(*state_->decoder, bytes.substr(used), state_->limits, false);
        if (!step) return step;
        used += *step;
        if (!state_->is_interim()) return used;
        state_->begin();
        if (used == bytes.size()) return used;
    }
}

expected<void> ResponseParser::finish_at_eof() {
    if (done()) return {};
    if (!started()) return complaint("the stream ended before the answer");
    Code ec;
    state_->decoder->put_eof(ec);
    if (!ec) return {};
    state_->decoder->refuse(ParseTrouble::malformed, "the stream ended inside of the answer", ec);
    return complaint(state_->decoder->said);
}

bool ResponseParser::started() const { return state_->feeder.started(); }
bool ResponseParser::head_done() const { return state_->decoder->is_header_done() && !state_->is_interim(); }
bool ResponseParser::done() const { return state_->decoder->is_done(); }
ParseTrouble ResponseParser::trouble() const { return state_->decoder->trouble; }
bool ResponseParser::keep_alive() const { return state_->decoder->keep_alive(); }
int ResponseParser::status() const { return state_->decoder->code(); }
Headers& ResponseParser::headers() { return state_->headers; }
const Headers& ResponseParser::headers() const { return state_->headers; }
std::string_view ResponseParser::body() const { return state_->body; }
void ResponseParser::drop_body() { state_->body.clear(); }

std::optional<std::uint64_t> ResponseParser::content_length() const {
    const auto length = state_->decoder->content_length();
    return length ? std::optional<std::uint64_t>(*length) : std::nullopt;
}

void ResponseParser::reset(Body body) {
    state_->has_body = body == Body::expected;
    state_->begin();
}

}  // namespace meridian::http
