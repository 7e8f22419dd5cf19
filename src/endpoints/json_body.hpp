// A JSON request body: parsed, checked against the route's schema, and taken apart into the values that are bound.
// Hides how exactly it is read, and by what it is judged.
#pragma once

#include "sluice/problem.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sluice::endpoints {

class JsonBody {
public:
    /// `schema`: JSON Schema draft 7 as JSON text. Throws std::invalid_argument if it is none.
    /// `properties`: the top-level members to bind.
    JsonBody(const std::string& schema, std::vector<std::string> properties);
    ~JsonBody();

    /// The members' values in the order of `properties` (a string unescaped, a number as its source text, an array or object
    /// as JSON; null or absent is nothing), or the problem: 400 if it is no JSON or beyond a limit (exact_json.hpp), 422
    /// with every violation if it does not fit the schema. A number of a property whose type is integer is spelled as one.
    std::variant<std::vector<std::optional<std::string>>, Problem> read(std::string_view bytes) const;

private:
    struct Schema;
    std::unique_ptr<Schema> schema_;
    std::vector<std::string> properties_;
    std::vector<bool> integers_;  ///< of the properties, those whose type is integer
};

/// Whether the media type is JSON: `application/json` or `…+json` (RFC 6839), with parameters or not.
bool is_json_media_type(std::string_view content_type) noexcept;

/// A member of a JSON object as it stands in the text.
struct RawMember {
    std::string name;
    std::string_view value;
};
/// The members of the outermost object, in order. The text must be valid JSON; anything but an object has none.
std::vector<RawMember> top_level_members(std::string_view json);

}  // namespace sluice::endpoints
