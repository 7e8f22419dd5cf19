#include "endpoints/json_findings.hpp"

#include "runtime/stack_room.hpp"

#include <algorithm>

namespace sluice::endpoints {
namespace {

/// For as many levels as a schema without references can have, and what is called by the innermost.
constexpr std::size_t least_stack = 768 * 1024;

}  // namespace

void Findings::add(const Json::json_pointer& place, const std::string& message) {
    Violation found{place.to_string(), message};
    if (std::find(found_.begin(), found_.end(), found) != found_.end()) return;
    if (found_.size() == most_violations)
        stop("has more violations than the " + std::to_string(most_violations) + " listed");
    found_.push_back(std::move(found));
}

void Findings::count(std::size_t level) {
    steps_ += level;
    if (steps_ > most_) stop("takes more than the " + std::to_string(most_) + " steps that a body of its size may");
    if (runtime::stack_room() < least_stack) stop("is nested too deeply to be judged by this schema");
}

void Findings::stop(std::string message) {
    found_.push_back({"", std::move(message)});
    throw Enough{};
}

}  // namespace sluice::endpoints
