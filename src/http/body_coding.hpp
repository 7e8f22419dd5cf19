// Requests whose body has a content coding, which no handler here could read.
#pragma once

#include "sluice/problem.hpp"
#include "sluice/request.hpp"

#include <utility>

namespace sluice::http {

/// Throws ProblemError 415, which says what is accepted (RFC 9110 section 15.5.16).
inline void refuse_coded(const Request& request) {
    const auto coding = request.header("Content-Encoding");
    if (!coding || equal_ignoring_case(*coding, "identity")) return;
    auto problem = Problem::of(415, "A request body must not have a content coding.");
    problem.headers.add("Accept-Encoding", "identity");
    throw ProblemError{std::move(problem)};
}

}  // namespace sluice::http
