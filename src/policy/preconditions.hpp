// The conditions that a request puts on what is there now (RFC 9110 section 13), and what follows from them.
#pragma once

#include "sluice/request.hpp"

#include <span>
#include <string_view>

namespace sluice::policy {

/// What a method would act on.
struct CurrentState {
    bool exists = false;         ///< there is a representation
    std::string_view etag = {};  ///< its strong validator, with its quotes; empty: it has none
};

enum class Judgement {
    perform,       // no condition stands against it
    not_modified,  // a GET or HEAD whose client has it already: 304
    failed,        // 412
};

/// Section 13.2.2: If-Match first, then If-None-Match. Nothing here has a modification date, so that If-Unmodified-Since and
/// If-Modified-Since are to be ignored (13.1.3 and 13.1.4), and so are ranges, and If-Range with them. For GET and HEAD the
/// state is the representation in the content coding that would be sent; If-None-Match must name that one, and means nothing
/// without a validator. Else, and in If-Match always, a coding's suffix of a tag is ignored: all codings are of one state.
Judgement judge_preconditions(Method method, std::span<const HeaderField> fields, const CurrentState& current) noexcept;

/// Whether the field is one of those that are judged.
bool is_precondition(std::string_view name) noexcept;

/// What such a field holds, repeated ones joined by commas.
enum class ConditionForm {
    anything,   // `*`
    tags,       // a list of entity tags
    malformed,  // anything else
};
ConditionForm form_of_condition(std::string_view value) noexcept;

}  // namespace sluice::policy
