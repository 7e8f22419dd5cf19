// JSON text read without loss: a number stays exact, however long it is. Hides that nlohmann/json's document has no place
// for such numbers: those of 64 bits are its integers, the others are its binary values, which JSON text cannot hold, and
// carry the number's canonical text.
#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

namespace sluice::json {

using Json = nlohmann::json;

struct ExactJson {
    Json root;
    /// Of the outermost object's members: what they are in the text that was read.
    std::unordered_map<const Json*, std::string_view> sources;
};

/// Deeper documents are refused: whoever walks over one does so recursively.
inline constexpr std::size_t deepest_nesting = 256;

/// The document, or what it must be (RFC 8259). Of members with the same name the last one counts. Linear in the text, and
/// no number is converted beyond 64 bits.
std::variant<ExactJson, std::string> read_exactly(std::string_view text);

/// What a message says if the text is no JSON at all.
inline constexpr std::string_view no_json = "must be JSON (RFC 8259) in UTF-8";

inline bool is_number(const Json& value) noexcept { return value.is_number_integer() || value.is_binary(); }
/// A number's canonical text.
std::string number_text(const Json& number);
/// For messages: a scalar's text, a list's joined by `or`; long ones are cut.
std::string for_display(const Json& value);

}  // namespace sluice::json
