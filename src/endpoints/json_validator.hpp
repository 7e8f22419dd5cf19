// Judges documents by a JSON Schema. Hides valijson: nothing else includes it.
#pragma once

#include "endpoints/exact_json.hpp"
#include "endpoints/json_schema.hpp"

#include <memory>
#include <string>
#include <vector>

namespace sluice::endpoints {

struct Violation {
    std::string pointer;  ///< into the document (RFC 6901)
    std::string message;

    bool operator==(const Violation&) const = default;
};

/// Answers stay small whatever is sent.
inline constexpr std::size_t most_violations = 100;

class JsonValidator {
public:
    explicit JsonValidator(const PreparedSchema& schema);
    ~JsonValidator();

    /// Every violation once: those of a value before those inside of it, members by name, items in their order. Of
    /// alternatives only that none fits. Of more than `most_violations` the first ones, and a last line that says so.
    std::vector<Violation> violations(const Json& document) const;

private:
    struct Compiled;
    std::unique_ptr<Compiled> compiled_;
};

}  // namespace sluice::endpoints
