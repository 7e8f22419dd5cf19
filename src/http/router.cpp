#include "http/router.hpp"

#include "http/target.hpp"
#include "sluice/problem.hpp"
#include "sluice/settings.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sluice::http {
namespace {

constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
constexpr std::size_t max_parameters = 32;
constexpr std::array all_methods{Method::get,   Method::head,    Method::post,   Method::put,
                                 Method::patch, Method::delete_, Method::options};

struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};

/// The templates that agree up to some segment. Indices refer to the tree's nodes and routes.
struct Node {
    std::unordered_map<std::string, std::size_t, TextHash, std::equal_to<>> text;
    std::size_t parameter = none;
    std::array<std::size_t, all_methods.size()> by_method;
    std::size_t not_allowed = none;  // the built-in 405 route; none: no template ends here

    Node() { by_method.fill(none); }
    std::size_t& route_for(Method method) { return by_method[static_cast<std::size_t>(method)]; }
    std::size_t route_for(Method method) const { return by_method[static_cast<std::size_t>(method)]; }
};

/// The undecoded segments that parameters have taken.
struct Captures {
    std::array<std::string_view, max_parameters> segments;
    std::size_t count = 0;
};

bool is_name(std::string_view text) {
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    return !text.empty() && is_letter(text.front()) &&
           std::all_of(text.begin(), text.end(), [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

/// What is wrong with a pattern; empty: nothing. Fills in the parameters' names.
std::string check_pattern(std::string_view pattern, std::vector<std::string>& names) {
    names.clear();
    if (pattern.empty() || pattern.front() != '/') return "must begin with '/'";
    if (std::any_of(pattern.begin(), pattern.end(), [](unsigned char c) { return c <= ' ' || c >= 0x7F; }) ||
        pattern.find_first_of("?#%") != pattern.npos) {
        return "must be a path of printable ASCII, not percent-encoded and without '?' and '#'";
    }
    for (std::size_t at = 0; at != pattern.npos;) {
        const auto slash = pattern.find('/', at + 1);
        const auto segment = pattern.substr(at + 1, std::min(slash, pattern.size()) - at - 1);
        at = slash;
        if (segment.find_first_of("{}") == segment.npos) continue;
        if (segment.front() != '{' || segment.back() != '}' || !is_name(segment.substr(1, segment.size() - 2))) {
            return "a parameter must be a whole segment such as {id}, named with letters, digits and '_'";
        }
        names.emplace_back(segment.substr(1, segment.size() - 2));
        if (std::count(names.begin(), names.end(), names.back()) > 1) return "names '" + names.back() + "' twice";
        if (names.size() > max_parameters) return "has more than 32 parameters";
    }
    return {};
}

std::string spell(const Route& route) { return std::string{to_string(route.method)} + ' ' + route.pattern; }

awaitable<Response> not_found(Exchange& exchange) {
    co_return to_response(Problem::of(404, "There is nothing at this path."), exchange.request_id);
}

/// Finds out again what the match stumbled over: rare, and the route needs no note of it.
awaitable<Response> malformed(Exchange& exchange) {
    Problem problem = Problem::of(400, "The request target cannot be decoded.");
    std::string path;
    std::vector<QueryParameter> query;
    if (const auto path_error = decode_path(exchange.request.raw_path, path)) {
        problem.errors.push_back({"path", "", std::string{describe(*path_error)}});
    }
    if (const auto query_error = decode_query(exchange.request.raw_query, query)) {
        problem.errors.push_back({"query", query.back().name, std::string{describe(*query_error)}});
    }
    co_return to_response(problem, exchange.request_id);
}

awaitable<Response> answer_options(Exchange& exchange) {
    Response response = Response::empty(204);
    response.headers.add("Allow", exchange.route->allow);
    co_return response;
}

awaitable<Response> answer_not_allowed(Exchange& exchange) {
    Response response = to_response(Problem::of(405, "This path does not have the method."), exchange.request_id);
    response.headers.add("Allow", exchange.route->allow);
    co_return response;
}

}  // namespace

struct Router::Tree {
    std::vector<Route> routes;
    std::size_t configured = 0;
    std::vector<Node> nodes = std::vector<Node>(1);
    std::size_t not_found_route = none;
    std::size_t malformed_route = none;
    std::size_t server_options_route = none;

    explicit Tree(std::vector<Route> given) : routes{std::move(given)}, configured{routes.size()} {
        std::vector<ConfigurationMistake> mistakes;
        for (std::size_t i = 0; i < configured; ++i) {
            Route& route = routes[i];
            route.index = i;
            if (const auto mistake = check_pattern(route.pattern, route.parameter_names); !mistake.empty()) {
                mistakes.push_back({{}, spell(route) + ": the pattern " + mistake});
                continue;
            }
            auto& slot = nodes[node_for(route.pattern)].route_for(route.method);
            if (slot == none) {
                slot = i;
            } else {
                mistakes.push_back({{}, spell(route) + " conflicts with " + spell(routes[slot])});
            }
        }
        if (!mistakes.empty()) throw ConfigurationError{std::move(mistakes)};
        add_built_in_routes();
    }

    /// The node where the pattern ends, made if need be.
    std::size_t node_for(std::string_view pattern) {
        std::size_t node = 0;
        for (std::size_t at = 0; at != pattern.npos;) {
            const auto slash = pattern.find('/', at + 1);
            const auto segment = pattern.substr(at + 1, std::min(slash, pattern.size()) - at - 1);
            at = slash;
            const bool is_parameter = !segment.empty() && segment.front() == '{';
            auto& child = is_parameter ? nodes[node].parameter
                                       : nodes[node].text.try_emplace(std::string{segment}, none).first->second;
            const auto next = child == none ? nodes.size() : child;
            if (child == none) {
                child = next;
                nodes.emplace_back();
            }
            node = next;
        }
        return node;
    }

    std::size_t add_built_in(Method method, std::string pattern, Handler handler, std::string allow = {}) {
        Route route;
        route.method = method;
        // The others are refusals, for which no body is worth waiting for.
        if (method == Method::options) route.body = BodyUse::none;
        check_pattern(pattern, route.parameter_names);
        route.pattern = std::move(pattern);
        route.options.auth = AuthMode::none;
        route.handler = std::move(handler);
        route.allow = std::move(allow);
        route.index = routes.size();
        routes.push_back(std::move(route));
        return routes.back().index;
    }

    void add_built_in_routes() {
        not_found_route = add_built_in(Method::get, "unmatched", not_found);
        malformed_route = add_built_in(Method::get, "malformed", malformed);
        std::array<bool, all_methods.size()> anywhere{};
        for (auto& node : nodes) {
            const auto given = std::find_if(node.by_method.begin(), node.by_method.end(), [](auto i) { return i != none; });
            if (given == node.by_method.end()) continue;
            const std::string pattern = routes[*given].pattern;
            if (node.route_for(Method::head) == none) node.route_for(Method::head) = node.route_for(Method::get);
            const bool own_options = node.route_for(Method::options) != none;
            std::string allow;
            for (const auto method : all_methods) {
                if (method != Method::options && node.route_for(method) == none) continue;
                anywhere[static_cast<std::size_t>(method)] = true;
                allow.append(allow.empty() ? "" : ", ").append(to_string(method));
            }
            for (const auto index : node.by_method) {
                if (index != none) routes[index].allow = allow;
            }
            node.not_allowed = add_built_in(Method::get, pattern, answer_not_allowed, allow);
            if (!own_options) {
                node.route_for(Method::options) = add_built_in(Method::options, pattern, answer_options, allow);
            }
        }
        std::string everything;
        for (const auto method : all_methods) {
            if (method != Method::options && !anywhere[static_cast<std::size_t>(method)]) continue;
            everything.append(everything.empty() ? "" : ", ").append(to_string(method));
        }
        server_options_route = add_built_in(Method::options, "*", answer_options, std::move(everything));
    }

    /// `rest` begins behind the slash that led to the node. Visits each node at most once, however often it goes back.
    const Node* find(const Node& node, std::string_view rest, Captures& captures) const {
        const auto slash = rest.find('/');
        const auto segment = rest.substr(0, slash);
        const auto descend = [&](std::size_t child) -> const Node* {
            if (slash != rest.npos) return find(nodes[child], rest.substr(slash + 1), captures);
            return nodes[child].not_allowed == none ? nullptr : &nodes[child];
        };
        if (const auto child = text_child(node, segment); child != none) {
            if (const auto* found = descend(child)) return found;
        }
        if (node.parameter == none || segment.empty()) return nullptr;
        captures.segments[captures.count++] = segment;
        if (const auto* found = descend(node.parameter)) return found;
        --captures.count;
        return nullptr;
    }

    /// `%74ext` is `text`: RFC 3986 section 6.2.2.2.
    static std::size_t text_child(const Node& node, std::string_view segment) {
        if (node.text.empty()) return none;
        std::string decoded;
        if (segment.find('%') != segment.npos && !decode_path(segment, decoded)) segment = decoded;
        const auto child = node.text.find(segment);
        return child == node.text.end() ? none : child->second;
    }

    /// The route's index.
    std::size_t match(Exchange& exchange) const {
        const auto& request = exchange.request;
        if (decode_query(request.raw_query, exchange.query)) return malformed_route;
        if (request.raw_path == "*") return server_options_route;
        if (request.raw_path.find('%') != request.raw_path.npos) {
            std::string decoded;
            if (decode_path(request.raw_path, decoded)) return malformed_route;
        }
        Captures captures;
        if (request.raw_path.empty()) return not_found_route;
        const Node* node = find(nodes.front(), request.raw_path.substr(1), captures);
        if (!node) return not_found_route;
        for (std::size_t i = 0; i < captures.count; ++i) {
            if (decode_path(captures.segments[i], exchange.path_values.emplace_back())) return malformed_route;
        }
        const auto route = node->route_for(request.method);
        return route == none ? node->not_allowed : route;
    }
};

Router::Router(std::vector<Route> routes) : tree_{std::make_unique<Tree>(std::move(routes))} {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::match(Exchange& exchange) const {
    exchange.path_values.clear();
    exchange.route = &tree_->routes[tree_->match(exchange)];
}

const std::vector<Route>& Router::routes() const noexcept { return tree_->routes; }
std::size_t Router::configured() const noexcept { return tree_->configured; }

}  // namespace sluice::http
