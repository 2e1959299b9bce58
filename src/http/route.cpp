#include "http/route.h"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "http/denial.h"
#include "http/repeats.h"

namespace meridian::http {
namespace {

constexpr std::size_t segments_max = 64;

// "/a/b" as "a", "b"; an empty last segment counts, so that "/a/" is not "/a".
std::vector<std::string_view> split(std::string_view path) {
    std::vector<std::string_view> out;
    out.reserve(8);
    while (path.starts_with('/')) {
        path.remove_prefix(1);
        const auto segment = path.substr(0, path.find('/'));
        out.push_back(segment);
        path.remove_prefix(segment.size());
    }
    if (out.size() == 1 && out.front().empty()) out.clear();
    return out;
}

struct Segment {
    enum class Kind { literal, parameter, rest } kind;
    std::string_view name;
};

Segment read_segment(std::string_view text) {
    if (!text.starts_with('{')) {
        MERIDIAN_ASSERT(!text.empty() && text.find_first_of("{}") == std::string_view::npos);
        return {Segment::Kind::literal, text};
    }
    MERIDIAN_ASSERT(text.size() > 2 && text.ends_with('}'));
    text = text.substr(1, text.size() - 2);
    const auto kind = text.ends_with("...") ? Segment::Kind::rest : Segment::Kind::parameter;
    if (kind == Segment::Kind::rest) text.remove_suffix(3);
    MERIDIAN_ASSERT(!text.empty() && text.find_first_of("{}.") == std::string_view::npos);
    return {kind, text};
}

bool needs_decoding(std::string_view text) { return text.find('%') != std::string_view::npos; }

std::string_view raw_path(const Request& request) {
    // A request that was made by hand, without a target, is known by its path alone.
    const std::string_view target = request.target.empty() ? request.path : request.target;
    return target.substr(0, target.find('?'));
}

}  // namespace

struct Router::Node {
    struct Leaf {
        std::string method;
        std::size_t route;
        std::vector<std::string> names;  // of the parameters on the way, in order
    };

    std::vector<std::pair<std::string, std::unique_ptr<Node>>> literals;  // sorted by text
    std::unique_ptr<Node> parameter;
    std::vector<Leaf> leaves, rest_leaves;
    std::optional<Dialect> dialect;  // of the first route that passes here

    Node& literal(std::string_view text) {
        const auto at = std::ranges::lower_bound(literals, text, {}, [](const auto& one) { return std::string_view(one.first); });
        if (at != literals.end() && at->first == text) return *at->second;
        return *literals.emplace(at, std::string(text), std::make_unique<Node>())->second;
    }
    [[nodiscard]] const Node* find(std::string_view text) const {
        const auto at = std::ranges::lower_bound(literals, text, {}, [](const auto& one) { return std::string_view(one.first); });
        return at != literals.end() && at->first == text ? at->second.get() : nullptr;
    }
};

namespace {

// One look-up: literals before parameters before a rest, going back where a way ends without the method.
template <class Node>
class Search {
public:
    Search(std::string_view method, std::string_view path) : method_(method), path_(path), segments_(split(path)) {}

    const typename Node::Leaf* from(const Node& root, Params& params) {
        if (segments_.size() > segments_max) return nullptr;
        if (needs_decoding(path_) && !decode()) return nullptr;
        const auto* leaf = walk(root, 0);
        if (!leaf) return nullptr;
        params.clear();
        for (std::size_t i = 0; i < leaf->names.size(); ++i) params.emplace_back(leaf->names[i], std::string(values_[i]));
        return leaf;
    }
    [[nodiscard]] std::vector<std::string> allowed() && { return std::move(allowed_); }

private:
    bool decode() {
        decoded_.reserve(segments_.size());  // the views below point into it
        for (auto& segment : segments_) {
            if (!needs_decoding(segment)) continue;
            auto text = percent_decode(segment, false);
            if (!text) return false;
            segment = decoded_.emplace_back(std::move(*text));
        }
        return true;
    }

    const typename Node::Leaf* walk(const Node& node, std::size_t at) {
        if (at == segments_.size()) {
            if (const auto* leaf = pick(node.leaves)) return leaf;
        } else {
            const auto segment = segments_[at];
            if (const auto* next = node.find(segment)) {
                if (const auto* leaf = walk(*next, at + 1)) return leaf;
            }
            if (node.parameter && !segment.empty()) {
                values_.push_back(segment);
                if (const auto* leaf = walk(*node.parameter, at + 1)) return leaf;
                values_.pop_back();
            }
        }
        if (node.rest_leaves.empty() || at == segments_.size()) return nullptr;
        const auto* leaf = pick(node.rest_leaves);
        if (leaf) values_.push_back(remaining(at));
        return leaf;
    }
    // HEAD is a GET whose body is not sent.
    const typename Node::Leaf* pick(const std::vector<typename Node::Leaf>& leaves) {
        const typename Node::Leaf* get = nullptr;
        for (const auto& leaf : leaves) {
            if (leaf.method == method_) return &leaf;
            if (leaf.method == "GET") get = &leaf;
        }
        if (get && method_ == "HEAD") return get;
        for (const auto& leaf : leaves) allowed_.push_back(leaf.method);
        return nullptr;
    }
    std::string_view remaining(std::size_t at) {
        rest_.clear();
        for (std::size_t i = at; i < segments_.size(); ++i) {
            if (i > at) rest_ += '/';
            rest_ += segments_[i];
        }
        return rest_;
    }

    std::string_view method_, path_;
    std::vector<std::string_view> segments_, values_;
    std::vector<std::string> decoded_, allowed_;
    std::string rest_;
};

std::string allow_value(std::vector<std::string> methods) {
    if (std::ranges::find(methods, "GET") != methods.end()) methods.emplace_back("HEAD");
    std::ranges::sort(methods);
    methods.erase(std::unique(methods.begin(), methods.end()), methods.end());
    std::string out;
    for (const auto& method : methods) out += (out.empty() ? "" : ", ") + method;
    return out;
}

// Logged here because it stops here. Never the request's content.
void note(const Error& error, const Request& request) {
    if (error.fault == Fault::bug) {
        log::error("http", "{} {} {}: {} {}", request.id, request.method, request.path, error.said, error.logged);
    } else if (!error.logged.empty()) {
        log::warn("http", "{} {} {}: {}: {}", request.id, request.method, request.path, name(error.fault), error.logged);
    }
}

void tell(Authorizer& authorizer, const Error& error, const Principal* caller, const Request& request, const Route& route) {
    if (!caller || error.fault != Fault::denied) return;
    if (auto* record = dynamic_cast<DenialRecord*>(&authorizer)) record->denied(*caller, request, route);
}

}  // namespace

Router::Router(Authorizer& authorizer) : authorizer_(authorizer), root_(std::make_shared<Node>()) {}

const std::vector<Route>& Router::routes() const { return routes_; }

void Router::add(Route route) {
    MERIDIAN_ASSERT(route.pattern.starts_with('/') && !route.method.empty() && route.handler);
    Node* node = root_.get();
    std::vector<std::string> names;
    const auto segments = split(route.pattern);
    std::vector<Node::Leaf>* leaves = nullptr;
    for (const auto text : segments) {
        MERIDIAN_ASSERT(!leaves);  // a rest is the last segment
        const auto segment = read_segment(text);
        if (segment.kind == Segment::Kind::literal) {
            node = &node->literal(segment.name);
            if (!node->dialect) node->dialect = route.dialect;
            continue;
        }
        MERIDIAN_ASSERT(std::ranges::find(names, segment.name) == names.end());
        names.emplace_back(segment.name);
        if (segment.kind == Segment::Kind::rest) {
            leaves = &node->rest_leaves;
        } else {
            if (!node->parameter) node->parameter = std::make_unique<Node>();
            node = node->parameter.get();
            if (!node->dialect) node->dialect = route.dialect;
        }
    }
    if (!leaves) leaves = &node->leaves;
    MERIDIAN_ASSERT(std::ranges::none_of(*leaves, [&](const auto& leaf) { return leaf.method == route.method; }));
    leaves->push_back({route.method, routes_.size(), std::move(names)});
    routes_.push_back(std::move(route));
}

const Route* Router::match(std::string_view method, std::string_view path, Params& params) const {
    Search<Node> search(method, path);
    const auto* leaf = search.from(*root_, params);
    return leaf ? &routes_[leaf->route] : nullptr;
}

Dialect Router::dialect_of(std::string_view path) const {
    auto out = Dialect::meridian;
    const Node* node = root_.get();
    for (const auto segment : split(path)) {
        const auto* next = node->find(segment);
        if (!next) next = node->parameter.get();
        if (!next) break;
        node = next;
        if (node->dialect) out = *node->dialect;
    }
    return out;
}

Router::Admission Router::admit(Exchange& exchange) const {
    auto& request = exchange.request();
    const auto path = raw_path(request);
    Search<Node> search(request.method, path);
    const auto* leaf = search.from(*root_, request.params);
    if (!leaf) {
        const auto allowed = allow_value(std::move(search).allowed());
        const bool is_path_known = !allowed.empty();
        const Error error(is_path_known ? Fault::invalid : Fault::not_found,
                          is_path_known ? "This path does not know the method " + request.method + "; it knows " + allowed + "."
                                        : "There is nothing at " + request.path + "; check the path.");
        auto answer = render(dialect_of(path), error, request.id);
        if (is_path_known) {
            answer.status = 405;
            answer.headers.add("Allow", allowed);
        }
        return {nullptr, std::move(answer), {}};
    }
    return judge(exchange, routes_[leaf->route]);
}

Router::Admission Router::judge(Exchange& exchange, const Route& route) const {
    const auto& request = exchange.request();
    try {
        exchange.caller = authorizer_.authorize(request, route.may);
        return {&route, std::nullopt, {}};
    } catch (const LookUp& first) {
        return {&route, std::nullopt, first.read};
    } catch (const Refused& error) {
        tell(authorizer_, error, error.caller.get(), request, route);
        note(error, request);
        return {&route, render(route.dialect, error, request.id), {}};
    } catch (const Error& error) {
        note(error, request);
        return {&route, render(route.dialect, error, request.id), {}};
    } catch (const std::exception& error) {
        const Error bug(Fault::bug, "The authorizer failed.", error.what());
        note(bug, request);
        return {&route, render(route.dialect, bug, request.id), {}};
    }
}

Task<Router::Admission> Router::admit_after(Exchange& exchange, Admission undecided) const {
    constexpr int tries = 8;  // what was read may be overtaken by a change
    const Route& route = *undecided.route;
    std::optional<Error> failure;
    try {
        for (int i = 0; i < tries && undecided.look_up; ++i) {
            co_await undecided.look_up();
            undecided = judge(exchange, route);
        }
        if (!undecided.look_up) co_return undecided;
        failure.emplace(Fault::busy, "Your key is changing all the time. Try again in a moment.");
    } catch (const Error& error) {
        failure = error;
    }
    note(*failure, exchange.request());
    co_return Admission{&route, render(route.dialect, *failure, exchange.request().id), {}};
}

Task<> Router::run(Exchange& exchange, const Route& route) const {
    std::optional<Error> failure;
    try {
        auto* repeats = dynamic_cast<Repeats*>(&authorizer_);
        if (repeats && may_repeat(exchange, exchange.request(), route) && repeats->keeps(route.may)) {
            co_await run_once(*repeats, exchange, route);
        } else {
            co_await route.handler(exchange);
        }
        if (!exchange.begun() && !exchange.gone()) failure.emplace(Fault::bug, "The handler did not answer.", route.pattern);
    } catch (const Error& error) {
        failure = error;
    } catch (const boost::system::system_error& error) {
        // So ends a handler that was cancelled because the client has gone, or because the server closes.
        if (error.code() == asio::error::operation_aborted && exchange.gone()) throw;
        failure.emplace(Fault::bug, "The handler failed.", error.what());
    } catch (const std::exception& error) {
        failure.emplace(Fault::bug, "The handler failed.", error.what());
    }
    if (!failure) co_return;
    tell(authorizer_, *failure, exchange.caller.get(), exchange.request(), route);
    note(*failure, exchange.request());
    // An answer that had begun can only be broken off, which the connection does when it was not ended.
    if (exchange.begun() || exchange.gone()) co_return;
    co_await exchange.answer(render(route.dialect, *failure, exchange.request().id));
}

Task<> Router::handle(Exchange& exchange) const {
    auto admission = admit(exchange);
    if (admission.look_up) admission = co_await admit_after(exchange, std::move(admission));
    if (admission.refusal) {
        co_await exchange.answer(std::move(*admission.refusal));
    } else {
        co_await run(exchange, *admission.route);
    }
}

}  // namespace meridian::http
