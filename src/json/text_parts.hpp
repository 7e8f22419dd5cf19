// Texts of the configuration in which names stand for a request's values. Pure.
#pragma once

#include "sluice/upstream_call.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::json {

/// A text in parts.
struct TextParts {
    std::vector<std::string> literals;  ///< one more than names
    std::vector<std::string> names;     ///< of the values that stand between them
};
/// Of `:name` alone, or text with `{name}`s. Throws std::invalid_argument as policy::TagTemplate does.
TextParts parts_of_text(std::string_view text);
/// Of JSON in which a string `":name"` stands for a value. Throws std::invalid_argument if it is no UTF-8.
TextParts parts_of_json(std::string_view json);

/// All names that a call has.
std::vector<std::string> names_of(const UpstreamCall& call);

}  // namespace sluice::json
