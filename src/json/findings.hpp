// What is found while a document is judged by a schema, and when it is enough. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sluice::json {

struct Violation {
    std::string pointer;  ///< into the document (RFC 6901)
    std::string message;

    bool operator==(const Violation&) const = default;
};

/// Answers stay small whatever is sent.
inline constexpr std::size_t most_violations = 100;
/// Bytes. Of a place whose pointer is longer, the innermost place around it is named whose pointer is not.
inline constexpr std::size_t longest_pointer = 512;

/// What judging a document may cost. A step is a schema applied to a value, a look at a member, or some dozens of bytes
/// looked at: about a tenth of a microsecond.
struct StepBudget {
    std::size_t steps = 0;
    /// Where the automaton of a regular expression grows too large to be kept, a byte takes as many instructions as the
    /// expression has, and some more. That many are counted as a step. It is rare, so what is counted on may be less.
    std::size_t instructions_per_step = 1;
};

/// A schema that leads back to itself in several alternatives could double the work with each level of the document.
constexpr std::size_t most_steps(std::size_t bytes) noexcept { return 100'000 + 4 * bytes; }
/// For a document of that many bytes.
constexpr StepBudget whole_budget(std::size_t bytes) noexcept { return {most_steps(bytes), 1024}; }
/// Some milliseconds at worst: what a loop can do beside its other requests.
inline constexpr StepBudget budget_at_once{10'000, 16};

/// Where a value is in the document, innermost first.
struct JsonPlace {
    const JsonPlace* outer = nullptr;  ///< null: the whole document
    const std::string* name = nullptr;
    std::size_t index = 0;  ///< where there is no name
};

class Findings {
public:
    explicit Findings(StepBudget budget) : budget_{budget} {}

    /// Judging is stopped in its midst: thrown once there is a last violation, or nothing can be said within the budget.
    struct Enough {};

    /// Once, however often it is found.
    void add(const JsonPlace& place, const std::string& message);
    void count(std::size_t steps);
    /// Two values of at most that many bytes are compared, what is inside of them apart.
    void count_comparison(std::size_t bytes);
    /// A regular expression is run.
    void count_match(std::size_t bytes, std::size_t instructions);
    /// Called wherever judging goes deeper.
    void check_stack();

    /// Whether the budget was too small; `take()` has a violation that says so.
    bool exhausted() const noexcept { return exhausted_; }
    std::vector<Violation> take() { return std::move(found_); }

private:
    [[noreturn]] void stop(std::string message);

    const StepBudget budget_;
    std::size_t steps_ = 0;
    std::size_t parts_ = 0;  ///< of a step
    bool exhausted_ = false;
    std::vector<Violation> found_;
};

}  // namespace sluice::json
