// The configuration as plain data, after every default and environment variable was applied.
// `load_settings` reads it from YAML; an embedder may also fill it in by hand.
#pragma once

#include "sluice/cors.hpp"
#include "sluice/handler.hpp"
#include "sluice/limits.hpp"

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

using std::chrono::milliseconds;

/// Where in which file a setting stands, for messages: `file:line:column`. Both from 1; columns count characters.
struct SourceLocation {
    std::string file;
    int line = 0;
    int column = 0;
};

std::string to_string(const SourceLocation& location);

/// Where a part of a text stands in the file that it was read from: the characters from byte `offset` of the text on follow
/// each other in that line, up to the next part.
struct TextPlace {
    std::size_t offset = 0;
    int line = 0;
    int column = 0;
};

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

enum class ParameterType { string, integer, number, boolean, array };

/// How a request writes the items of an array.
enum class ArrayStyle {
    csv,       // `ids=1,2`: no item holds a comma, and an empty text is an empty array
    repeated,  // `ids=1&ids=2`: as often as there are items; query only
    json,      // `ids=[1,2]`: a JSON array
};

/// A declared parameter; the words are JSON Schema's.
struct ParameterSettings {
    /// What stands in a name of the SQL that means a field of the request: `:header.x-tenant`.
    static constexpr std::string_view header_prefix = "header.";

    std::string name;  ///< as in the SQL; of a request's field with `header_prefix`, in lower case
    SourceLocation location;
    bool in_path = false;
    bool in_header = false;  ///< a field of the request
    bool required = false;   ///< always true in a path
    ParameterType type = ParameterType::string;
    ParameterType items = ParameterType::string;  ///< element type of an array
    ArrayStyle style = ArrayStyle::csv;           ///< of an array
    std::optional<std::size_t> min_items;         ///< of an array
    std::optional<std::size_t> max_items;
    std::optional<std::string> minimum;  ///< a number's source text: compared exactly
    std::optional<std::string> maximum;
    std::optional<std::size_t> min_length;  ///< in code points
    std::optional<std::size_t> max_length;
    std::optional<std::string> pattern;    ///< RE2, unanchored
    std::vector<std::string> enumeration;  ///< `enum`, as source texts; empty: any
    /// As a request writes it; of a `repeated` array, as style `json` would.
    std::optional<std::string> default_value;
    std::optional<std::string> format;  ///< date | date-time | uuid | email; others are a configuration error
};

enum class ResultShape {
    one,   // an object; no row is 404
    many,  // an array
    none,  // 204
};

/// By what, besides path and query, a route's cached answers are kept apart.
struct CacheVariation {
    bool identity = false;             ///< each caller has its own
    bool tier = false;                 ///< callers of one tier share one
    bool scope = false;                ///< callers with the same scopes share one
    std::vector<std::string> headers;  ///< requests with the same values of these fields share one

    bool by_credentials() const { return identity || tier || scope; }
};

struct CacheRule {
    milliseconds ttl{0};
    milliseconds l1{5'000};                       ///< while the primary cannot be polled: how old a tagged copy may be
    milliseconds stale{3'600'000};                ///< how long past the ttl a copy may stand in when loading fails
    milliseconds revalidate{0};                   ///< how long past the ttl it is served while it is loaded anew
    milliseconds negative{0};                     ///< how long a 404 is kept; 0: not at all
    std::optional<std::chrono::seconds> max_age;  ///< what clients are told; default: no-cache
    std::vector<std::string> tags;                ///< templates such as `city:{id}`
    CacheVariation vary;
    bool is_private = false;  ///< no shared cache may keep it, whatever else allows it
};

/// A column by which a page's rows are ordered, nulls where PostgreSQL puts them: last, with `desc` first.
struct SortColumn {
    std::string name;  ///< of the result, as the JSON has it
    bool descending = false;
    SourceLocation location;
};

/// One of the orders that a client may choose, `?order=name`.
struct PageOrder {
    std::string name;
    std::vector<SortColumn> by;  ///< the last makes the order unique
};

/// How a route's rows are answered page by page, each continuing behind the last row of the one before.
struct PageSettings {
    std::vector<SortColumn> by;     ///< the only order; the last makes it unique
    std::vector<PageOrder> orders;  ///< in place of `by`: those that a client may choose from
    std::size_t default_order = 0;  ///< index in `orders`
    unsigned size = 20;             ///< rows, where the client asks for no number
    unsigned max = 100;             ///< what a client may ask for
    SourceLocation location;
};

/// What becomes of the request field Idempotency-Key on a route that writes.
enum class IdempotencyMode {
    optional,  // a write that has a key happens once; others happen as often as they are sent
    required,  // a request without a key is refused
    off,       // the field means nothing
};

/// What the ETag of a GET's answers stands for. With `result: none` there is none.
enum class EtagMode {
    on,       // for the bytes of the answer
    off,      // there is none
    version,  // for the row's column `version`, which changes with each change of the row; NULL: there is none
};
inline constexpr std::string_view version_column = "version";

/// Whether a request that writes must say under which condition (RFC 9110 section 13).
enum class PreconditionMode {
    optional,  // a condition that is there is judged
    required,  // without one: 428 (RFC 6585)
};

/// A field of a route's successful answers.
struct ResponseField {
    std::string name;
    /// A text with names in braces: members of the row that is answered (`result: one`), parameters, body properties. A
    /// value that is missing leaves the field out.
    std::string value;
    SourceLocation location;
};

/// What is answered where PostgreSQL answers a statement with an error.
struct ErrorRules {
    std::map<std::string, unsigned, std::less<>> statuses;  ///< by SQLSTATE, or by its first two characters; 400 to 599
    /// The texts of errors that a function raised by P0001, or by a state of `statuses`, are told. Default: no.
    std::optional<bool> messages;
};

/// A route declared in the configuration.
struct SqlRouteSettings {
    SourceLocation location;
    Method method = Method::get;
    std::string pattern;
    RouteOptions options;
    std::vector<ParameterSettings> parameters;  ///< also each field of the request that the SQL names
    std::optional<std::string> body_schema;     ///< JSON Schema as JSON text
    /// Its top-level properties, each a parameter too unless its name means something else in the SQL.
    std::vector<std::string> body_properties;
    ResultShape result = ResultShape::many;
    std::optional<bool> envelope;  ///< the result stands in `{"data":…}`, else it is the whole answer; nothing: it does
    SourceLocation sql_location;
    std::string sql;
    std::vector<TextPlace> sql_places;  ///< in order; empty: it is not known where its words stand
    unsigned status = 200;
    bool on_primary = false;                ///< a GET that must not lag
    bool collapse = false;                  ///< a GET whose reads at one moment may become one statement
    std::optional<std::size_t> max_answer;  ///< bytes of the result's JSON; nothing: the server's
    std::optional<CacheRule> cache;
    std::optional<PageSettings> page;      ///< nothing: all rows at once
    std::vector<std::string> invalidates;  ///< tag templates
    IdempotencyMode idempotency = IdempotencyMode::optional;
    EtagMode etag = EtagMode::on;  ///< of a GET
    PreconditionMode precondition = PreconditionMode::optional;
    SourceLocation precondition_location;
    ErrorRules errors;
    std::vector<ResponseField> headers;  ///< of its successful answers
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
    ConsistencyMode consistency = ConsistencyMode::header;  ///< `off` without `auth.key_secrets`, which sign the tokens
    std::vector<SqlRouteSettings> routes;

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
