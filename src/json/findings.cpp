#include "json/findings.hpp"

#include "runtime/stack_room.hpp"

#include <algorithm>

namespace sluice::json {
namespace {

/// For what is called by the innermost, RE2 among it.
constexpr std::size_t least_stack = 256 * 1024;

std::string step_of(const JsonPlace& place) {
    if (!place.name) return "/" + std::to_string(place.index);
    std::string step{"/"};
    for (const char c : *place.name) {
        if (c == '~' || c == '/')
            step.append(c == '~' ? "~0" : "~1");
        else
            step += c;
    }
    return step;
}

std::string pointer_to(const JsonPlace& place) {
    std::vector<const JsonPlace*> way;
    for (const auto* at = &place; at->outer; at = at->outer) way.push_back(at);
    std::string pointer;
    for (auto at = way.rbegin(); at != way.rend(); ++at) {
        if ((*at)->name && (*at)->name->size() > longest_pointer) break;  // not even read
        const auto step = step_of(**at);
        if (pointer.size() + step.size() > longest_pointer) break;
        pointer += step;
    }
    return pointer;
}

}  // namespace

void Findings::add(const JsonPlace& place, const std::string& message) {
    constexpr std::size_t steps = 50;  // a pointer of up to its length, compared with those that are there
    count(steps);
    Violation found{pointer_to(place), message};
    if (std::find(found_.begin(), found_.end(), found) != found_.end()) return;
    if (found_.size() == most_violations)
        stop("has more violations than the " + std::to_string(most_violations) + " listed");
    found_.push_back(std::move(found));
}

void Findings::count(std::size_t steps) {
    steps_ += steps;
    if (steps_ <= budget_.steps) return;
    exhausted_ = true;
    stop("takes more than the " + std::to_string(budget_.steps) + " steps that a body of its size may");
}

void Findings::count_comparison(std::size_t bytes) {
    constexpr std::size_t parts_per_step = 4;
    constexpr std::size_t bytes_per_part = 64;
    parts_ += 1 + bytes / bytes_per_part;
    if (parts_ < parts_per_step) return;
    count(parts_ / parts_per_step);
    parts_ %= parts_per_step;
}

void Findings::count_match(std::size_t bytes, std::size_t instructions) {
    constexpr std::size_t bytes_per_step = 32;
    constexpr std::size_t overhead = 16;  // in instructions
    count(1 + bytes / bytes_per_step + bytes * (instructions + overhead) / budget_.instructions_per_step);
}

void Findings::check_stack() {
    if (runtime::stack_room() < least_stack) stop("is nested too deeply to be judged by this schema");
}

void Findings::stop(std::string message) {
    found_.push_back({"", std::move(message)});
    throw Enough{};
}

}  // namespace sluice::json
