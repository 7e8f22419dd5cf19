// What names a request across systems: its id, and W3C Trace Context.
#pragma once

#include <string>
#include <string_view>

namespace sluice::middleware {

/// 1 to 128 letters, digits, `-`, `_`, `.`: fit for a log and a header.
bool is_request_id(std::string_view text) noexcept;
/// 128 random bits in hex.
void make_request_id(std::string& id);

/// W3C Trace Context level 1, section 3.2: version, trace id, parent id, flags; ids that are all zero are invalid.
bool is_traceparent(std::string_view text) noexcept;
/// The trace id of a valid traceparent, else nothing.
std::string_view trace_id(std::string_view traceparent) noexcept;

}  // namespace sluice::middleware
