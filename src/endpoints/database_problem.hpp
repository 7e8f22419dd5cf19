// A database's error as an HTTP answer. Nothing of PostgreSQL's own words passes.
#pragma once

#include "sluice/ports/database.hpp"
#include "sluice/problem.hpp"

#include <string_view>

namespace sluice::endpoints {

/// Who may have caused a class 22 error (data exception), which decides between 400 and 422.
enum class InputSource {
    parameters,  // path or query: 400
    body,        // the JSON body: 422
};

Problem to_problem(const DatabaseError& error, InputSource source);

}  // namespace sluice::endpoints
