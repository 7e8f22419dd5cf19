#include "endpoints/database_problem.hpp"

#include "endpoints/write_condition.hpp"

namespace sluice::endpoints {
namespace {

using std::chrono::seconds;

Problem unavailable(std::string detail) {
    Problem problem = Problem::of(503, std::move(detail));
    problem.retry_after = seconds{1};
    return problem;
}

/// PostgreSQL 15, appendix A.
Problem rejected(std::string_view state, InputSource source) {
    if (state == "23505" || state == "23P01") return Problem::of(409, "It conflicts with what is stored already.");
    if (state == "23503") return Problem::of(422, "It refers to something that does not exist, or is still referred to.");
    if (state == "23514") return Problem::of(422, "A value is outside of what is allowed.");
    if (state == "23502") return Problem::of(422, "A value that is needed is missing.");
    if (state.starts_with("22")) {
        return source == InputSource::body ? Problem::of(422, "A value in the body is not acceptable.")
                                           : Problem::of(400, "A parameter's value is not acceptable.");
    }
    if (state.starts_with("40")) return unavailable("Too many changes at once; try again.");
    if (state.starts_with("53") || state.starts_with("57")) return unavailable("The database cannot answer now.");
    if (state == "P0001") return Problem::of(422, "The database refused it.");  // RAISE in a function or trigger
    return Problem::of(500, "An error on our side; it has been logged.");
}

}  // namespace

Problem to_problem(const DatabaseError& error, InputSource source) {
    switch (error.kind) {
        case DatabaseError::Kind::unavailable:
            return unavailable("The database cannot be reached now.");
        case DatabaseError::Kind::overloaded:
            return unavailable("The database is too busy now.");
        case DatabaseError::Kind::timed_out:
            return Problem::of(504, "The database did not answer in time.");
        case DatabaseError::Kind::outcome_unknown:
            // No Retry-After: who repeats it blindly may do it twice.
            return Problem::of(504, "The database was lost while it was making the change: it may or may not be made.");
        case DatabaseError::Kind::rejected:
            return rejected(error.sqlstate, source);
        case DatabaseError::Kind::in_flight: {
            auto problem = Problem::of(409, "A request with this Idempotency-Key is in flight.");
            problem.retry_after = seconds{1};
            return problem;
        }
        case DatabaseError::Kind::other_payload:
            return Problem::of(422, "This Idempotency-Key was used for another request: its path, query or body differed.");
        case DatabaseError::Kind::precondition_failed:
            return precondition_failed();
        case DatabaseError::Kind::keys_not_kept:
            return unavailable("Idempotency keys cannot be kept at the moment; nothing was done.");
    }
    return Problem::of(500, "An error on our side; it has been logged.");
}

}  // namespace sluice::endpoints
