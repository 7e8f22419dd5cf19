// Judges documents by a JSON Schema, within a budget.
#pragma once

#include "json/findings.hpp"
#include "json/schema.hpp"

#include <vector>

namespace sluice::json {

struct Verdict {
    std::vector<Violation> violations;
    bool exhausted = false;  ///< the budget was too small; the last violation says so
};

class JsonValidator {
public:
    /// `schema` has no mistakes.
    explicit JsonValidator(PreparedSchema schema) : nodes_{std::move(schema.nodes)} {}

    /// Every violation once: those of a value before those inside of it, members by name, items in their order. Of
    /// alternatives only that none fits. Of more than `most_violations` the first ones, and a last line that says so. The
    /// last line also says if the budget does not suffice, or the stack.
    Verdict judge(const Json& document, StepBudget budget) const;

private:
    std::vector<SchemaNode> nodes_;
};

}  // namespace sluice::json
