// A route as it is declared in the configuration, as plain data: parameters, body, SQL, and how its answers are kept.
#pragma once

#include "sluice/handler.hpp"
#include "sluice/source_location.hpp"
#include "sluice/upstream_call.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sluice {

using std::chrono::milliseconds;

/// Where a part of a text stands in the file that it was read from: the characters from byte `offset` of the text on follow
/// each other in that line, up to the next part.
struct TextPlace {
    std::size_t offset = 0;
    int line = 0;
    int column = 0;
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
    /// Wherever they stand.
    friend bool operator==(const SortColumn& one, const SortColumn& other) noexcept {
        return one.name == other.name && one.descending == other.descending;
    }
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

/// What answers a route: a statement in PostgreSQL.
struct SqlRoute {
    SourceLocation location;  ///< of its text
    std::string text;
    std::vector<TextPlace> places;  ///< in order; empty: it is not known where its words stand
    ResultShape result = ResultShape::many;
    bool on_primary = false;                ///< a GET that must not lag
    bool collapse = false;                  ///< a GET whose reads at one moment may become one statement
    std::optional<std::size_t> max_answer;  ///< bytes of the result's JSON; nothing: the server's
    std::optional<PageSettings> page;       ///< nothing: all rows at once
    std::vector<std::string> invalidates;   ///< tag templates
    IdempotencyMode idempotency = IdempotencyMode::optional;
    PreconditionMode precondition = PreconditionMode::optional;
    SourceLocation precondition_location;
    ErrorRules errors;
};

/// What answers a route: an HTTP service, out of whose JSON something is picked.
struct UpstreamRoute {
    UpstreamCall call;
};

/// What answers a route: the same to everyone.
struct RespondRoute {
    std::string body;  ///< empty: there is none
    std::string content_type = "application/json";
};

/// A kind for each way to answer.
using RouteKind = std::variant<SqlRoute, UpstreamRoute, RespondRoute>;

/// What answers in place of a route's source while that fails.
struct Fallback {
    struct Constant {
        std::string json;
    };
    SourceLocation location;
    std::variant<SqlRoute, UpstreamCall, Constant> source;
};

/// A route declared in the configuration: what all kinds have in common, and its kind.
struct RouteSettings {
    SourceLocation location;
    Method method = Method::get;
    std::string pattern;
    RouteOptions options;
    std::vector<ParameterSettings> parameters;  ///< also each field of the request that the SQL names
    std::optional<std::string> body_schema;     ///< JSON Schema as JSON text
    /// Its top-level properties, each a parameter too unless its name means something else in the SQL.
    std::vector<std::string> body_properties;
    std::optional<bool> envelope;  ///< the result stands in `{"data":…}`, else it is the whole answer; nothing: it does
    unsigned status = 200;
    std::optional<CacheRule> cache;
    EtagMode etag = EtagMode::on;        ///< of a GET
    std::vector<ResponseField> headers;  ///< of its successful answers
    std::vector<Fallback> fallbacks;     ///< of a GET: tried in order
    RouteKind kind;

    /// Of a route with SQL; of another kind: null.
    const SqlRoute* sql_if() const noexcept { return std::get_if<SqlRoute>(&kind); }
    /// The same where no other kind can be. Throws std::bad_variant_access.
    const SqlRoute& sql() const { return std::get<SqlRoute>(kind); }
    SqlRoute& sql() { return std::get<SqlRoute>(kind); }
};

}  // namespace sluice
