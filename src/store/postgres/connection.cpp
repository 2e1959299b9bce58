#include "store/postgres/connection.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <charconv>

#include "store/postgres/errors.h"

namespace meridian::store::postgres {
namespace {

using std::chrono::milliseconds;
using Instant = std::chrono::steady_clock;

// As for SQLite: rooms write perhaps a hundred different statements.
constexpr std::size_t statements_max = 512;
constexpr int server_version_min = 130'000;

// Types of the server's catalogue (pg_type.dat), which never change.
enum Oid : unsigned {
    bool_oid = 16,
    bytea_oid = 17,
    int8_oid = 20,
    int2_oid = 21,
    int4_oid = 23,
    text_oid = 25,
    oid_oid = 26,
    float4_oid = 700,
    float8_oid = 701,
    numeric_oid = 1700
};

std::string one_line(std::string_view text) {
    std::string line(text.substr(0, text.find_last_not_of(" \n") + 1));
    std::ranges::replace_if(line, [](char c) { return c == '\n' || c == '\t'; }, ' ');
    return line;
}

unsigned type_of(const Value& value) {
    struct Type {
        unsigned operator()(std::monostate) const { return 0; }  // the server sees from the place
        unsigned operator()(std::int64_t) const { return int8_oid; }
        unsigned operator()(double) const { return float8_oid; }
        unsigned operator()(const std::string&) const { return text_oid; }
        unsigned operator()(const Blob&) const { return bytea_oid; }
    };
    return std::visit(Type(), value);
}

// The highest N of "$N" outside of quotes.
std::size_t parameters_in(std::string_view sql) {
    std::size_t highest = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < sql.size(); ++i) {
        if (sql[i] == '\'') quoted = !quoted;
        if (quoted || sql[i] != '$') continue;
        std::size_t number = 0;
        std::from_chars(sql.data() + i + 1, sql.data() + sql.size(), number);
        highest = std::max(highest, number);
    }
    return highest;
}

template <class N>
std::optional<N> number(std::string_view text) {
    N value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

Value column(const PGresult* result, int row, int at) {
    if (PQgetisnull(result, row, at)) return {};
    const std::string_view text(PQgetvalue(result, row, at), static_cast<std::size_t>(PQgetlength(result, row, at)));
    switch (PQftype(result, at)) {
        case bool_oid:
            return std::int64_t{text == "t"};
        case int2_oid:
        case int4_oid:
        case int8_oid:
        case oid_oid:
            return number<std::int64_t>(text).value();
        case float4_oid:
        case float8_oid:
            return number<double>(text).value();
        case numeric_oid:  // a sum of bigints, whole as its parts
            if (const auto whole = number<std::int64_t>(text)) return *whole;
            return number<double>(text).value();
        case bytea_oid: {
            std::size_t size = 0;
            const std::unique_ptr<unsigned char, void (*)(void*)> bytes(
                PQunescapeBytea(reinterpret_cast<const unsigned char*>(text.data()), &size), PQfreemem);
            if (!bytes) throw std::bad_alloc();
            return Blob{std::string(reinterpret_cast<const char*>(bytes.get()), size)};
        }
        default:
            return std::string(text);
    }
}

// Parameters in the form that libpq takes: all of them binary where text would end at a zero byte, the rest as text.
struct Parameters {
    explicit Parameters(std::span<const Value> values) {
        texts.reserve(values.size());
        for (const auto& v : values) {
            if (const auto* text = std::get_if<std::string>(&v)) {
                add(text->data(), text->size(), 1);
            } else if (const auto* blob = std::get_if<Blob>(&v)) {
                add(blob->bytes.data(), blob->bytes.size(), 1);
            } else if (std::holds_alternative<std::monostate>(v)) {
                add(nullptr, 0, 0);
            } else {
                const auto* whole = std::get_if<std::int64_t>(&v);
                texts.push_back(whole != nullptr ? fmt::format("{}", *whole) : fmt::format("{}", std::get<double>(v)));
                add(texts.back().c_str(), texts.back().size(), 0);
            }
        }
    }
    void add(const char* bytes, std::size_t size, int format) {
        // An empty string is not null.
        pointers.push_back(bytes);
        lengths.push_back(static_cast<int>(size));
        formats.push_back(format);
    }
    std::vector<std::string> texts;
    std::vector<const char*> pointers;
    std::vector<int> lengths, formats;
};

bool failed(const PGresult* result) {
    const auto status = PQresultStatus(result);
    return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE || status == PGRES_NONFATAL_ERROR;
}

}  // namespace

void Connection::Close::operator()(pg_conn* native) const { PQfinish(native); }
void Connection::Clear::operator()(pg_result* result) const { PQclear(result); }

Connection::Connection(const Server& to) {
    const auto seconds = std::to_string(connect_within.count());
    const char* const names[] = {"dbname",
                                 "connect_timeout",
                                 "client_encoding",
                                 "fallback_application_name",
                                 "keepalives_idle",
                                 "keepalives_count",
                                 "keepalives_interval",
                                 "tcp_user_timeout",
                                 nullptr};
    // A server that vanished without a word is noticed after some twenty seconds.
    const char* const values[] = {to.url.c_str(), seconds.c_str(), "UTF8", "meridian", "5", "3", "5", "20000", nullptr};
    native_.reset(PQconnectdbParams(names, values, 1));
    if (!native_) throw std::bad_alloc();
    if (PQstatus(native_.get()) != CONNECTION_OK) lost(one_line(PQerrorMessage(native_.get())));
    PQsetNoticeProcessor(native_.get(), [](void*, const char*) {}, nullptr);
    if (PQserverVersion(native_.get()) < server_version_min)
        lost(fmt::format("it is PostgreSQL {}; 13 or newer is needed", PQserverVersion(native_.get()) / 10'000));
    // The server notices a client that vanished, too: it may hold the lock of the writers.
    script(
        fmt::format("set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3; "
                    "set bytea_output = hex; set extra_float_digits = 1; set idle_in_transaction_session_timeout = '{}s'; "
                    "select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'",
                    idle_in_transaction.count()));
    script(fmt::format("set statement_timeout = '{}s'; set lock_timeout = '{}s'", statement_within.count(), lock_within.count()));
}

Connection::~Connection() = default;

bool Connection::is_alive() const { return !is_lost_ && PQstatus(native_.get()) == CONNECTION_OK; }
bool Connection::is_given_up() const { return PQtransactionStatus(native_.get()) == PQTRANS_INERROR; }
int Connection::backend() const { return PQbackendPID(native_.get()); }
int Connection::socket() const { return PQsocket(native_.get()); }

void Connection::lost(std::string logged) {
    is_lost_ = true;
    throw Error(Fault::unavailable, "The connection to the database was lost, so nothing was done. Try again in a moment.",
                std::move(logged));
}

void Connection::sent(int is_sent) {
    if (is_sent == 0) lost(one_line(PQerrorMessage(native_.get())));
}

void Connection::wait_for_answer(Instant::time_point until) {
    while (PQisBusy(native_.get())) {
        const auto left = std::chrono::duration_cast<milliseconds>(until - Instant::now()).count();
        pollfd at{PQsocket(native_.get()), POLLIN, 0};
        if (left <= 0) lost("the server did not answer in time");
        if (::poll(&at, 1, static_cast<int>(left)) < 0 && errno != EINTR) lost("the socket cannot be read");
        if ((at.revents != 0) && PQconsumeInput(native_.get()) == 0) lost(one_line(PQerrorMessage(native_.get())));
    }
}

Connection::Result Connection::answer(std::string_view doing, milliseconds within) {
    const auto until = Instant::now() + within;
    Result last;
    for (;;) {
        wait_for_answer(until);
        Result next(PQgetResult(native_.get()));
        if (!next) break;
        if (PQresultStatus(next.get()) == PGRES_COPY_IN) return next;
        if (!last || !failed(last.get())) last = std::move(next);  // of errors, the first
    }
    if (!last) lost("the server gave no answer");
    if (failed(last.get())) {
        const char* state = PQresultErrorField(last.get(), PG_DIAG_SQLSTATE);
        const char* message = PQresultErrorField(last.get(), PG_DIAG_MESSAGE_PRIMARY);
        auto error = error_of(state == nullptr ? "57P00" : state, message == nullptr ? "the connection was lost" : message, doing);
        if (PQstatus(native_.get()) != CONNECTION_OK) lost(std::move(error.logged));
        throw error;
    }
    count(last.get());
    return last;
}

void Connection::count(pg_result* result) {
    const std::string_view did = PQcmdStatus(result);
    if (did.starts_with("INSERT") || did.starts_with("UPDATE") || did.starts_with("DELETE"))
        rows_changed_ += number<std::int64_t>(PQcmdTuples(result)).value_or(0);
}

std::vector<Row> Connection::rows_of(const pg_result* result) const {
    std::vector<Row> rows;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) return rows;
    std::vector<std::string> names;
    for (int i = 0; i < PQnfields(result); ++i) names.emplace_back(PQfname(result, i));
    const auto columns = std::make_shared<const std::vector<std::string>>(std::move(names));
    for (int r = 0; r < PQntuples(result); ++r) {
        std::vector<Value> row(columns->size());
        for (std::size_t i = 0; i < row.size(); ++i) row[i] = column(result, r, static_cast<int>(i));
        rows.emplace_back(columns, std::move(row));
    }
    return rows;
}

const std::string& Connection::prepared(std::string_view sql, std::span<const Value> values) {
    std::vector<unsigned> types;
    for (const auto& v : values) types.push_back(type_of(v));
    auto key = fmt::format("{}\n{}", sql, fmt::join(types, ","));
    if (const auto known = statements_.find(key); known != statements_.end()) return known->second;
    if (parameters_in(sql) != values.size())
        throw Error(Fault::bug, "A database statement is malformed.",
                    fmt::format("{} values for {} parameters: {}", values.size(), parameters_in(sql), sql));
    if (statements_.size() >= statements_max) {
        script("deallocate all");
        statements_.clear();
    }
    auto name = fmt::format("s{}", ++named_);
    sent(PQsendPrepare(native_.get(), name.c_str(), std::string(sql).c_str(), static_cast<int>(types.size()), types.data()));
    answer(sql, within_);
    return statements_.emplace(std::move(key), std::move(name)).first->second;
}

Connection::Result Connection::execute(std::string_view sql, std::span<const Value> values) {
    if (is_lost_) lost("it was lost before");
    const auto& name = prepared(sql, values);
    const Parameters given(values);
    sent(PQsendQueryPrepared(native_.get(), name.c_str(), static_cast<int>(values.size()), given.pointers.data(), given.lengths.data(),
                             given.formats.data(), 0));
    return answer(sql, within_);
}

std::vector<Row> Connection::query(std::string_view sql, std::span<const Value> values) { return rows_of(execute(sql, values).get()); }

std::int64_t Connection::run(std::string_view sql, std::span<const Value> values) {
    const auto before = rows_changed_;
    execute(sql, values);
    return rows_changed_ - before;
}

std::vector<Row> Connection::script(const std::string& sql, milliseconds within) {
    if (is_lost_) lost("it was lost before");
    sent(PQsendQuery(native_.get(), sql.c_str()));
    return rows_of(answer(sql, within).get());
}

void Connection::copy_in(const std::string& sql, const std::function<std::optional<std::string>()>& next) {
    if (is_lost_) lost("it was lost before");
    sent(PQsendQuery(native_.get(), sql.c_str()));
    answer(sql, within_);
    while (const auto lines = next()) {
        if (PQputCopyData(native_.get(), lines->data(), static_cast<int>(lines->size())) != 1)
            lost(one_line(PQerrorMessage(native_.get())));
    }
    if (PQputCopyEnd(native_.get(), nullptr) != 1) lost(one_line(PQerrorMessage(native_.get())));
    answer(sql, within_);
}

void Connection::take_time(milliseconds within) {
    script(fmt::format("set statement_timeout = '{}ms'; set lock_timeout = '{}ms'", within.count(), within.count()));
    within_ = within + (answer_within - statement_within);
}

void Connection::rollback() noexcept {
    if (!is_alive() || PQtransactionStatus(native_.get()) == PQTRANS_IDLE) return;
    try {
        script("rollback");
    } catch (const std::exception&) {  // the server rolls back what was begun on a connection that is closed
        is_lost_ = true;
    }
}

std::vector<Notification> Connection::notifications() {
    if (PQconsumeInput(native_.get()) == 0) lost(one_line(PQerrorMessage(native_.get())));
    std::vector<Notification> made;
    for (;;) {
        const std::unique_ptr<PGnotify, void (*)(void*)> one(PQnotifies(native_.get()), PQfreemem);
        if (!one) return made;
        made.push_back({one->be_pid, one->extra});
    }
}

}  // namespace meridian::store::postgres
