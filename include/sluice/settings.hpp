// The configuration as plain data, after every default and environment variable was applied.
// `load_settings` reads it from YAML; an embedder may also fill it in by hand.
#pragma once

#include "sluice/cors.hpp"
#include "sluice/handler.hpp"
#include "sluice/limits.hpp"
#include "sluice/route_settings.hpp"
#include "sluice/upstream_settings.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

struct ServerSettings {
    std::string listen = "127.0.0.1:8080";     ///< host:port; port 0 takes a free one
    std::string admin = "127.0.0.1:9180";      ///< metrics, health and the admin API; empty: none
    std::string admin_token;                   ///< empty: the admin API is off
    unsigned threads = 0;                      ///< event loops; 0: one per core
    std::vector<std::string> trusted_proxies;  ///< CIDR blocks whose X-Forwarded-For is believed
    std::size_t min_rate = 1024;               ///< bytes a second: who takes or sends less is cut off; 0: nobody is

    struct Limits {
        std::size_t body = 1024 * 1024;  ///< bytes
        std::size_t header = 32 * 1024;  ///< bytes of the whole head
        std::size_t target = 8 * 1024;   ///< bytes of the request target
        std::size_t connections = 32768;
    } limits;

    struct Timeouts {
        milliseconds header{10'000};   ///< for the whole head, from its first byte
        milliseconds body{30'000};     ///< for the whole body
        milliseconds request{15'000};  ///< from head to answer: the default deadline
        milliseconds idle{75'000};     ///< between requests
        milliseconds grace{0};         ///< between not-ready and the end of listening
        milliseconds drain{30'000};    ///< for requests in flight at shutdown
    } timeouts;

    std::size_t max_answer = 16 * 1024 * 1024;  ///< bytes of a result's JSON, unless the route says otherwise
    std::size_t memory = 512 * 1024 * 1024;     ///< bytes of bodies and answers in flight, in all

    /// Bytes from which on an answer is compressed for clients that accept it (gzip, brotli); nothing: none is.
    std::optional<std::size_t> compress_from = 1024;

    std::optional<CorsSettings> cors;  ///< nothing: browsers let no page of another origin read an answer
    /// Fields of every answer of the public API that does not set them itself.
    std::map<std::string, std::string> headers = default_headers();

    /// What the OWASP REST Security Cheat Sheet asks of any API, whatever it serves.
    static std::map<std::string, std::string> default_headers();
};

enum class LogLevel { debug, info, warning, error };

enum class AccessLog {
    all,     // one line per request
    errors,  // only 5xx
    off,     // none
};

/// How a line of the log looks.
enum class LogFormat {
    automatic,  // text on a terminal, else json
    json,       // one object per line
    text,       // for people
};

struct LogSettings {
    LogFormat format = LogFormat::automatic;
    LogLevel level = LogLevel::info;
    AccessLog access = AccessLog::all;
};

struct ReplicaSettings {
    std::string url;
    unsigned weight = 1;
};

struct PostgresSettings {
    std::string primary;  ///< postgresql://…
    std::vector<ReplicaSettings> replicas;
    unsigned pool = 8;            ///< connections to each server
    milliseconds timeout{5'000};  ///< the longest a statement may run
    milliseconds max_lag{5'000};  ///< replicas further behind are left out
};

struct RedisSettings {
    std::string url;  ///< redis://[:password@]host[:port][/db]
    milliseconds timeout{50};
    std::string cache_url{};  ///< where the cache's copies are; empty: in the same Redis
    std::string prefix{};     ///< tells apart what the database's identity does not; letters, digits, `.`, `_` and `-`
};

/// A table whose changes invalidate cached values, whoever makes them (see `sluice migrate`).
struct TrackedTable {
    std::string name;               ///< `city` or `shop.city`
    std::vector<std::string> tags;  ///< templates over its columns: those of the rows as they were and as they are
    SourceLocation location;

    /// Stands for all its rows: after TRUNCATE, and when a statement changes too many to name.
    std::string own_tag() const { return std::string{own_tag_prefix} + name; }
    static constexpr std::string_view own_tag_prefix = "table:";
};

struct CacheSettings {
    std::size_t l1_bytes = 256 * 1024 * 1024;
    std::size_t l2_bytes = 256 * 1024 * 1024;  ///< of copies that this instance keeps in Redis
};

/// Whose JSON Web Tokens (RFC 7519) are accepted, and what their claims mean. Exactly one of the three sources of keys is
/// set.
struct JwtSettings {
    std::string issuer;                  ///< `iss` must be it; no two have the same
    std::vector<std::string> audiences;  ///< `aud` must name one of them
    std::filesystem::path jwks_file;     ///< a JSON Web Key Set (RFC 7517)
    std::string jwks_url;                ///< https://… or http://… of one
    std::string hs256_secret;            ///< at least 32 bytes
    SourceLocation keys_location;        ///< of the source that is set
    std::string tier_claim = "tier";     ///< names an entry of `tiers`
    std::string scope_claim = "scope";   ///< words separated by spaces, or a list of texts
    std::string default_tier = "free";   ///< of tokens whose tier claim is missing or names no entry of `tiers`
    milliseconds leeway{30'000};         ///< how far the issuer's clock may be off
    milliseconds refresh{300'000};       ///< how often file or URL are looked at
};

struct AuthSettings {
    std::vector<std::string> key_secrets;  ///< newest first; new keys are made with the first, all verify
    std::vector<JwtSettings> jwt;          ///< one for each issuer; none: tokens are refused
    SourceLocation key_secrets_location;
};

/// How a client that has written makes its reads see it: `Sluice-Consistency`.
enum class ConsistencyMode {
    off,     // reads may be as old as a replica's lag, and the cache's bound
    header,  // a write's answer has the field, and a read that brings it back sees the write
    cookie,  // the same, and a cookie beside the field, for browsers
};

struct Settings {
    ServerSettings server;
    LogSettings log;
    std::optional<PostgresSettings> postgres;
    std::optional<RedisSettings> redis;
    CacheSettings cache;
    AuthSettings auth;
    RateLimitSettings rate_limit;
    std::map<std::string, Tier> tiers = default_tiers();
    std::vector<TrackedTable> tables;
    std::vector<UpstreamSettings> upstreams;
    ConsistencyMode consistency = ConsistencyMode::header;  ///< `off` without `auth.key_secrets`, which sign the tokens
    std::vector<RouteSettings> routes;

    static std::map<std::string, Tier> default_tiers();
};

/// One mistake in a configuration: `file:line:column: message`.
struct ConfigurationMistake {
    SourceLocation location;
    std::string message;
};

/// Everything that is wrong with a configuration, not only the first thing. `what()` has a line for each.
class ConfigurationError : public std::runtime_error {
public:
    explicit ConfigurationError(std::vector<ConfigurationMistake> mistakes);
    const std::vector<ConfigurationMistake>& mistakes() const noexcept { return mistakes_; }

private:
    std::vector<ConfigurationMistake> mistakes_;
};

/// Reads and checks a configuration file. Throws ConfigurationError.
Settings load_settings(const std::filesystem::path& file);

}  // namespace sluice
