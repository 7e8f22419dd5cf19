// A JSON request body: parsed, checked against the route's schema, and taken apart into the values that are bound.
// Hides nlohmann/json's and valijson's document models.
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
    /// `schema`: JSON Schema up to draft 7 as JSON text. Throws std::invalid_argument if it is none.
    /// `properties`: the top-level members to bind.
    JsonBody(const std::string& schema, std::vector<std::string> properties);
    ~JsonBody();

    /// The members' values in the order of `properties` (a string unescaped, a number as its source text, an array or object
    /// as JSON; null or absent is nothing), or the problem: 400 if it is no JSON, 422 if it does not fit the schema.
    std::variant<std::vector<std::optional<std::string>>, Problem> read(std::string_view bytes) const;

private:
    struct Schema;
    std::unique_ptr<Schema> schema_;
    std::vector<std::string> properties_;
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
