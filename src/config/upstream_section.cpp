#include "config/upstream_section.hpp"

#include "config/header_fields.hpp"
#include "config/section.hpp"
#include "upstream/connection_fields.hpp"
#include "upstream/tls.hpp"
#include "upstream/url.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sluice::config {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;

constexpr std::size_t most_endpoints = 64;
constexpr std::size_t longest_name = 64;

bool is_service_name(std::string_view text) {
    return !text.empty() && text.size() <= longest_name && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
}

/// `20%`.
std::optional<unsigned> read_percent(Section& section, std::string_view key, unsigned least) {
    const auto text = section.text(key);
    if (!text) return std::nullopt;
    unsigned value = 0;
    const auto* last = text->data() + text->size();
    const auto [end, error] = std::from_chars(text->data(), last, value);
    if (error == std::errc{} && end + 1 == last && *end == '%' && value >= least && value <= 100) return value;
    section.fail(*section.find(key), "'" + std::string{key} + "' must be a share from " + std::to_string(least) +
                                         "% to 100%, not " + describe(*section.find(key)));
    return std::nullopt;
}

/// Nothing of it if it is of no use, which is reported.
std::optional<std::string> read_endpoint_url(Section& section) {
    auto text = section.text("url");
    if (!text) return std::nullopt;
    const auto& place = *section.find("url");
    const auto url = upstream::parse_url(*text);
    if (!url) {
        section.fail(place, "'url' " + url.error());
    } else if (url->target != "/" || text->ends_with('#')) {
        section.fail(place, "'url' must end with the host or its port: paths are the routes'");
    } else {
        return std::move(*text);
    }
    return std::nullopt;
}

UpstreamEndpointSettings read_endpoint(const Node& node, Mistakes& mistakes) {
    UpstreamEndpointSettings endpoint;
    Section section{node, "an endpoint", mistakes};
    section.require("url", "an endpoint needs 'url'");
    assign(endpoint.url, read_endpoint_url(section));
    assign(endpoint.weight, section.count("weight", 1, 1'000));
    section.finish();
    return endpoint;
}

bool is_same_place(const UpstreamEndpointSettings& one, const UpstreamEndpointSettings& other) {
    const auto a = upstream::parse_url(one.url);
    const auto b = upstream::parse_url(other.url);
    return a && b && a->host == b->host && a->port == b->port;
}

void read_endpoints(Section& section, std::vector<UpstreamEndpointSettings>& endpoints) {
    const bool one = section.has("url");
    if (auto url = read_endpoint_url(section)) endpoints.push_back({std::move(*url)});
    const auto* node = section.find("endpoints");
    if (!node) {
        if (!one) section.require("url", "a service needs 'url', or 'endpoints' with several");
        return;
    }
    if (one) return section.fail(*node, "a service has either 'url' or 'endpoints'");
    if (node->is(Node::Kind::sequence) && node->items.empty()) return section.fail(*node, "'endpoints' is empty");
    if (!node->is(Node::Kind::sequence))
        return section.fail(*node, "'endpoints' must be a list of { url: …, weight: … }, not " + describe_kind(*node));
    if (node->items.size() > most_endpoints)
        section.fail(*node, "'endpoints' must be at most " + std::to_string(most_endpoints));
    for (const auto& item : node->items) {
        auto endpoint = read_endpoint(item, section.mistakes());
        if (endpoint.url.empty()) continue;
        const auto is_it = [&](const auto& other) { return is_same_place(other, endpoint); };
        if (std::any_of(endpoints.begin(), endpoints.end(), is_it)) section.fail(item, "this endpoint is listed twice");
        endpoints.push_back(std::move(endpoint));
    }
}

UpstreamSettings::Timeouts read_timeouts(const Node& node, Mistakes& mistakes) {
    UpstreamSettings::Timeouts timeouts;
    Section section{node, "'timeouts'", mistakes};
    assign(timeouts.connect, section.duration("connect", 1ms));
    assign(timeouts.response, section.duration("response", 1ms));
    assign(timeouts.idle, section.duration("idle", 0ms));
    section.finish();
    return timeouts;
}

UpstreamSettings::Retries read_retries(const Node& node, Mistakes& mistakes) {
    UpstreamSettings::Retries retries;
    Section section{node, "'retries'", mistakes};
    assign(retries.attempts, section.count("attempts", 0, 10));
    assign(retries.budget, read_percent(section, "budget", 0));
    assign(retries.keyed, section.flag("keyed"));
    section.finish();
    return retries;
}

UpstreamSettings::Breaker read_breaker(const Node& node, Mistakes& mistakes) {
    UpstreamSettings::Breaker breaker;
    Section section{node, "'breaker'", mistakes};
    assign(breaker.reset, section.duration("reset", 1ms));
    assign(breaker.probes, section.count("probes", 1, 1'000));
    const bool by_rate = section.has("rate") || section.has("slow");
    if (by_rate) {
        if (section.has("failures"))
            section.fail(*section.find("failures"), "'failures' is another rule than 'rate': one of them");
        breaker.rate = UpstreamSettings::Breaker::Rate{};
        auto& rate = *breaker.rate;
        // Without a share of failures, it is the slow calls alone that open it.
        rate.failed = read_percent(section, "rate", 1).value_or(section.has("rate") ? rate.failed : 100);
        assign(rate.calls, section.count("calls", 1, 1'000'000));
        assign(rate.window, section.duration("window", 1s));
        if (const auto slow = section.duration("slow", 1ms)) rate.slow = slow;
        assign(rate.slow_rate, read_percent(section, "slow_rate", 1));
    } else {
        assign(breaker.failures, section.count("failures", 1, 1'000'000));
        for (const auto key : {"calls"sv, "window"sv, "slow_rate"sv}) {
            if (section.has(key))
                section.fail(*section.find(key), "'" + std::string{key} + "' belongs to 'rate' or 'slow', which is missing");
        }
        static_cast<void>(section.find("rate"));
        static_cast<void>(section.find("slow"));
    }
    section.finish();
    return breaker;
}

UpstreamSettings::Health read_health(const Node& node, Mistakes& mistakes) {
    UpstreamSettings::Health health;
    Section section{node, "'health'", mistakes};
    section.require("path", "'health' needs 'path'");
    if (auto path = section.text("path")) {
        const auto is_visible = [](char c) { return c > ' ' && c < '\x7f' && c != '#'; };
        if (!path->starts_with('/') || !std::all_of(path->begin(), path->end(), is_visible))
            section.fail(*section.find("path"), "'path' must begin with '/' and be percent-encoded");
        health.path = std::move(*path);
    }
    assign(health.interval, section.duration("interval", 100ms));
    section.finish();
    return health;
}

UpstreamSettings::Tls read_tls(const Node& node, const std::filesystem::path& folder, Mistakes& mistakes) {
    UpstreamSettings::Tls tls;
    Section section{node, "'tls'", mistakes};
    const auto file = [&](std::string_view key) {
        const auto text = section.text(key).value_or("");
        return text.empty() ? std::filesystem::path{} : folder / text;
    };
    tls.ca = file("ca");
    tls.certificate = file("certificate");
    tls.key = file("key");
    assign(tls.server_name, section.text("server_name"));
    section.finish();
    if (tls.certificate.empty() != tls.key.empty()) {
        section.mistakes().add(node.location, "'tls' needs both 'certificate' and 'key', or neither");
        return tls;
    }
    try {
        const upstream::TlsContext context{tls};
    } catch (const std::runtime_error& error) {
        mistakes.add(node.location, "'tls': " + std::string{error.what()});
    }
    return tls;
}

/// What is wrong with a field of that name; empty: nothing.
std::string complaint_about_request_field(std::string_view name) {
    constexpr std::array ours{"Content-Length"sv, "Expect"sv, "Via"sv, "Forwarded"sv, "traceparent"sv};
    const auto quoted = "'" + std::string{name} + "'";
    if (!is_field_name(name)) return quoted + " is no header field name: letters, digits and '-'";
    const auto is_it = [&](std::string_view one) { return equal_ignoring_case(one, name); };
    if (upstream::is_of_connection(name) || std::any_of(ours.begin(), ours.end(), is_it))
        return quoted + " differs from request to request and is managed by Sluice";
    return {};
}

UpstreamSettings::Headers read_headers(const Node& node, Mistakes& mistakes) {
    UpstreamSettings::Headers headers;
    Section section{node, "'headers'", mistakes};
    if (const auto* set = section.find("set")) {
        const Section whole{*set, "'set'", mistakes};
        for (const auto& [name, location, value] : set->members) {
            if (auto complaint = complaint_about_request_field(name); !complaint.empty()) {
                mistakes.add(location, std::move(complaint));
            } else if (!value.is(Node::Kind::scalar)) {
                mistakes.add(value.location, "'" + name + "' must be a text, not " + describe_kind(value));
            } else if (!is_field_value(value.text)) {
                mistakes.add(value.location,
                             "the value of '" + name + "' must be one line of ASCII, without blanks around it");
            } else if (!value.text.empty()) {
                const auto is_it = [&, &name = name](const auto& one) { return equal_ignoring_case(one.first, name); };
                if (std::any_of(headers.set.begin(), headers.set.end(), is_it))
                    mistakes.add(location, "'" + name + "' is set twice; case does not matter in its name");
                headers.set[name] = value.text;
            }
        }
    }
    headers.remove = read_field_names(section, "remove");
    section.finish();
    return headers;
}

UpstreamSettings::IdentityRules read_identity(Section& section) {
    UpstreamSettings::IdentityRules rules;
    const auto* node = section.find("identity");
    if (!node) return rules;
    const auto take = [&](const Node& word) {
        if (word.text == "forward")
            rules.forward = true;
        else if (word.text == "authorization")
            rules.authorization = true;
        else
            section.fail(word, "'identity' must be 'forward', 'authorization' or both in a list, not " + describe(word));
    };
    if (node->is(Node::Kind::sequence)) {
        for (const auto* word : section.list("identity")) take(*word);
    } else {
        take(*node);
    }
    return rules;
}

UpstreamSettings read_service(const Member& member, const std::filesystem::path& folder, Mistakes& mistakes) {
    UpstreamSettings service;
    service.name = member.name;
    service.location = member.location;
    Section section{member.value, "'" + member.name + "'", mistakes};
    read_endpoints(section, service.endpoints);
    assign(service.resolve, section.duration("resolve", 1s));
    assign(service.connections, section.count("connections", 1, 100'000));
    assign(service.max_body, section.size("max_body"));
    if (const auto* node = section.find("timeouts")) service.timeouts = read_timeouts(*node, mistakes);
    if (const auto* node = section.find("retries")) service.retries = read_retries(*node, mistakes);
    if (const auto* node = section.find("breaker")) service.breaker = read_breaker(*node, mistakes);
    if (const auto* node = section.find("health")) service.health = read_health(*node, mistakes);
    if (const auto* node = section.find("headers")) service.headers = read_headers(*node, mistakes);
    service.identity = read_identity(section);
    if (const auto* node = section.find("tls")) {
        service.tls = read_tls(*node, folder, mistakes);
        const auto is_plain = [](const auto& endpoint) { return endpoint.url.starts_with("http://"); };
        if (!service.endpoints.empty() && std::all_of(service.endpoints.begin(), service.endpoints.end(), is_plain))
            section.fail(*node, "'tls' is of no use: no endpoint has https://");
    }
    section.finish(member.location);
    return service;
}

}  // namespace

std::vector<UpstreamSettings> read_upstreams(const Node& node, const std::filesystem::path& folder, Mistakes& mistakes) {
    const Section whole{node, "'upstreams'", mistakes};
    std::vector<UpstreamSettings> all;
    for (const auto& member : node.members) {
        if (!is_service_name(member.name))
            mistakes.add(member.location, "the name of a service must be 1 to 64 letters, digits, '-' or '_'");
        if (!member.value.broken) all.push_back(read_service(member, folder, mistakes));
    }
    return all;
}

}  // namespace sluice::config
