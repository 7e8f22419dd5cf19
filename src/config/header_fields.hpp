// Names and values of header fields (RFC 9110 section 5) as they stand in a configuration.
#pragma once

#include "config/document.hpp"
#include "config/mistakes.hpp"
#include "config/section.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::config {

/// A token of RFC 9110 section 5.6.2.
bool is_field_name(std::string_view text) noexcept;

/// The list's items, reported and left out unless they are field names or `*`; empty ones count as absent.
std::vector<std::string> read_field_names(Section& section, std::string_view key);

/// `server.headers`: changes what `headers` holds, adds to it, and removes those whose value is empty. Names compare without
/// case. Fields that Sluice itself manages are reported.
void read_fixed_headers(const Node& node, std::map<std::string, std::string>& headers, Mistakes& mistakes);

/// Visible ASCII with blanks between, which every HTTP implementation reads alike.
bool is_field_value(std::string_view text);

/// What is wrong with a field of that name on the answers of one route; empty: nothing.
std::string complaint_about_answer_field(std::string_view name, bool has_pages);

}  // namespace sluice::config
