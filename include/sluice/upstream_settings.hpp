// `upstreams` as configured: the HTTP services that routes may ask.
#pragma once

#include "sluice/route_settings.hpp"

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

struct UpstreamEndpointSettings {
    std::string url;  ///< http://host[:port] or https://host[:port]; all of one service have the same scheme
    unsigned weight = 1;
};

struct UpstreamSettings {
    struct Timeouts {
        milliseconds connect{1'000};   ///< until a connection is made, TLS included
        milliseconds response{5'000};  ///< from the request to the whole answer
        milliseconds idle{30'000};     ///< how long a connection is kept that nobody uses
    };
    struct Retries {
        unsigned attempts = 1;  ///< beyond the first; 0: none
        unsigned budget = 20;   ///< percent of the requests
        bool keyed = false;     ///< also those with an Idempotency-Key whose method is not idempotent
    };
    struct Breaker {
        unsigned failures = 5;
        milliseconds reset{30'000};
        unsigned probes = 3;
        /// By the share of calls that fail, or are slow, in place of `failures`.
        struct Rate {
            unsigned failed = 50;  ///< percent
            unsigned calls = 20;
            milliseconds window{10'000};
            std::optional<milliseconds> slow;
            unsigned slow_rate = 80;  ///< percent
        };
        std::optional<Rate> rate;
    };
    struct Health {
        std::string path;
        milliseconds interval{5'000};
    };
    struct Tls {
        std::filesystem::path ca;           ///< PEM; empty: the system's authorities
        std::filesystem::path certificate;  ///< PEM, of ours, with its chain; empty: none is shown
        std::filesystem::path key;          ///< PEM, of that certificate
        std::string server_name;            ///< whom the certificate must name; empty: the endpoint's host
    };
    struct Headers {
        std::map<std::string, std::string> set;
        std::vector<std::string> remove;
    };
    struct IdentityRules {
        bool forward = false;        ///< X-Consumer-Id, X-Consumer-Tier, X-Consumer-Scopes
        bool authorization = false;  ///< the client's credentials: Authorization and X-API-Key
    };

    std::string name;
    std::vector<UpstreamEndpointSettings> endpoints;
    milliseconds resolve{30'000};            ///< how often names are looked up
    unsigned connections = 64;               ///< to each endpoint, of this instance
    std::size_t max_body = 8 * 1024 * 1024;  ///< bytes of an answer that is held whole
    Timeouts timeouts;
    Retries retries;
    Breaker breaker;
    std::optional<Health> health;
    Tls tls;
    Headers headers;
    IdentityRules identity;
    SourceLocation location;
};

}  // namespace sluice
