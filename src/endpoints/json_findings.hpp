// What is found while a document is judged by a schema, and when it is enough. Pure.
#pragma once

#include "endpoints/exact_json.hpp"

#include <cstddef>
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

/// For a document of that many bytes. To evaluate a schema that a `$ref` leads to takes as many steps as the value is levels
/// deep, as the validator copies its path; on the loop of other requests, a step is about a microsecond. A schema that leads
/// back to itself in several alternatives could double the work with each level of the document.
constexpr std::size_t most_steps(std::size_t bytes) noexcept { return 100'000 + 4 * bytes; }

class Findings {
public:
    explicit Findings(std::size_t steps) : most_{steps} {}

    /// The validator has no other way to be stopped: thrown once there is a last violation.
    struct Enough {};

    /// Once, however often it is found.
    void add(const Json::json_pointer& place, const std::string& message);
    /// A schema that a `$ref` leads to is evaluated, for a value on that level.
    void count(std::size_t level);
    /// The document is judged once more.
    void start_again() noexcept { steps_ = 0; }

    bool empty() const noexcept { return found_.empty(); }
    std::vector<Violation> take() { return std::move(found_); }

private:
    [[noreturn]] void stop(std::string message);

    const std::size_t most_;
    std::size_t steps_ = 0;
    std::vector<Violation> found_;
};

}  // namespace sluice::endpoints
