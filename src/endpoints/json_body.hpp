// A JSON request body: parsed, checked against the route's schema, and taken apart into the values that are bound.
// Hides how exactly it is read, and by what it is judged.
#pragma once

#include "endpoints/body_members.hpp"
#include "json/exact_json.hpp"
#include "json/validator.hpp"
#include "sluice/problem.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sluice::endpoints {

/// Bytes of a body that may be read on an event loop.
inline constexpr std::size_t largest_at_once = 16 * 1024;

class JsonBody {
public:
    /// `schema`: JSON Schema draft 7 as JSON text. Throws std::invalid_argument if it is none.
    /// `properties`: the top-level members to bind.
    JsonBody(const std::string& schema, const std::vector<std::string>& properties);
    JsonBody(std::vector<BodyMember> members, const std::string& schema);

    using Values = std::vector<std::optional<std::string>>;
    using Read = std::variant<Values, Problem>;

    /// The members' values in their order (a string unescaped, a number as its source text, an array or object
    /// as JSON; null or absent is nothing), or the problem: 400 if it is no JSON or beyond a limit (exact_json.hpp), 422
    /// with every violation if it does not fit the schema. A number of a property that takes no other numbers than integers
    /// is spelled as one.
    Read read(std::string_view bytes) const;
    /// The same, unless it would hold its thread up: nothing for a body that is large or takes many steps to judge. For
    /// event loops; a body that is read at once is read within a few milliseconds, whatever it and the schema are.
    std::optional<Read> read_at_once(std::string_view bytes) const;

private:
    std::optional<Read> read_within(std::string_view bytes, json::StepBudget budget, bool final) const;
    Read bind(const json::ExactJson& document) const;

    json::JsonValidator validator_;
    std::vector<BodyMember> members_;
    std::vector<bool> integers_;  ///< of the members, those whose numbers are integers
};

/// Whether the media type is JSON: `application/json` or `…+json` (RFC 6839), with parameters or not.
bool is_json_media_type(std::string_view content_type) noexcept;

}  // namespace sluice::endpoints
