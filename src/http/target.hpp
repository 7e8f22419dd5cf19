// The request target in pure functions: percent-decoding, UTF-8 validation, query parsing.
#pragma once

#include "sluice/request.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::http {

/// Why a part of a target cannot be decoded.
enum class TargetError {
    bad_escape,  // `%` without two hexadecimal digits behind it
    bad_utf8,    // the decoded bytes are not UTF-8
    nul,         // a decoded NUL: no SQL text can hold one
};

/// A sentence for a problem's detail.
std::string_view describe(TargetError error) noexcept;

/// Decodes `%XX` and checks the result; `+` stays what it is. Replaces `decoded`.
std::optional<TargetError> decode_path(std::string_view raw, std::string& decoded);

/// Decodes `a=1&b=x+y` into pairs, in order: `+` is a space, `a` alone has an empty value, empty pieces are skipped.
/// Replaces `parameters`.
std::optional<TargetError> decode_query(std::string_view raw, std::vector<QueryParameter>& parameters);

}  // namespace sluice::http
