// Who caused an error of a statement: what the request asked for, or what is stored and how the SQL was written. Pure.
#pragma once

#include "sluice/ports/database.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace sluice::endpoints {

enum class InputSource {
    parameters,  // a value of path or query: 400
    body,        // a value of the JSON body: 422
    nothing,     // no value of the request: the error is ours
};

/// The first `parameters` of the values are of path and query, the others of the body. An error that quotes a value is
/// caused by whoever sent it; one that quotes something else is caused by what is stored. An error that quotes nothing is
/// taken for the request's, if it has any value at all, and a division by zero only if that value is one.
InputSource source_of(const DatabaseError& error, std::span<const std::optional<std::string>> values,
                      std::size_t parameters);

}  // namespace sluice::endpoints
