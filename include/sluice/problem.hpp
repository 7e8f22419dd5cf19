// Failures as RFC 9457 problem details. Texts are ours alone: never a driver's message, SQL, a host name or a stack.
#pragma once

#include "sluice/response.hpp"

#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

/// One thing that is wrong with the input.
struct InputError {
    std::string in;       ///< path | query | header | body; or constraint | column: of the database
    std::string name;     ///< the parameter, or a JSON pointer (RFC 6901) into the body; or its name in the database
    std::string message;  ///< what was expected
};

/// RFC 9457. `type` is `about:blank` and the title the reason phrase, as its section 4.2.1 has it, unless there is another.
struct Problem {
    unsigned status = 500;
    std::string detail;
    std::vector<InputError> errors{};
    std::optional<std::chrono::seconds> retry_after{};  ///< becomes the header Retry-After
    HeaderBlock headers{};                              ///< others of the answer
    std::string title{};                                ///< empty: the reason phrase
    std::string members{};  ///< a JSON object whose members are added (extension members); empty: none

    static Problem of(unsigned status, std::string detail) { return Problem{status, std::move(detail)}; }
};

/// `application/problem+json` with `Cache-Control: no-store`.
Response to_response(const Problem& problem, std::string_view request_id);

/// For where an answer cannot be returned as a value, such as deep inside a handler; translated in `error_boundary` alone.
class ProblemError : public std::exception {
public:
    explicit ProblemError(Problem problem) : problem_{std::move(problem)} {}
    const Problem& problem() const noexcept { return problem_; }
    const char* what() const noexcept override { return problem_.detail.c_str(); }

private:
    Problem problem_;
};

}  // namespace sluice
