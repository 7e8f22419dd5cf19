#include "sluice/problem.hpp"

#include <nlohmann/json.hpp>

namespace sluice {

Response to_response(const Problem& problem, std::string_view request_id) {
    nlohmann::ordered_json document{
        {"type", "about:blank"},    {"title", problem.title.empty() ? reason_phrase(problem.status) : problem.title},
        {"status", problem.status}, {"detail", problem.detail},
        {"request_id", request_id},
    };
    for (const auto& error : problem.errors) {
        document["errors"].push_back({{"in", error.in}, {"name", error.name}, {"message", error.message}});
    }
    if (!problem.members.empty()) {
        const auto members = nlohmann::ordered_json::parse(problem.members, nullptr, false);
        // What is ours stays ours.
        if (members.is_object()) {
            for (const auto& [name, value] : members.items()) {
                if (!document.contains(name)) document[name] = value;
            }
        }
    }
    Response response;
    response.status = problem.status;
    response.headers.add("Content-Type", "application/problem+json");
    response.headers.add("Cache-Control", "no-store");
    if (problem.retry_after) response.headers.add("Retry-After", std::to_string(problem.retry_after->count()));
    response.headers.append(problem.headers);
    // `replace`: a message may quote input, which need not be UTF-8.
    response.body = document.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    return response;
}

}  // namespace sluice
