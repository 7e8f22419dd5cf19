// Judges documents by a JSON Schema. Hides valijson: nothing else includes it.
#pragma once

#include "endpoints/json_findings.hpp"
#include "endpoints/json_schema.hpp"

#include <cstddef>
#include <memory>
#include <vector>

namespace sluice::endpoints {

class JsonValidator {
public:
    explicit JsonValidator(const PreparedSchema& schema);
    ~JsonValidator();

    /// Every violation once: those of a value before those inside of it, members by name, items in their order. Of
    /// alternatives only that none fits. Of more than `most_violations` the first ones, and a last line that says so. The
    /// last line also says if a document of that many bytes takes more than `most_steps`, or more stack than there is.
    std::vector<Violation> violations(const Json& document, std::size_t bytes) const;

private:
    struct Compiled;
    std::unique_ptr<Compiled> compiled_;
};

}  // namespace sluice::endpoints
