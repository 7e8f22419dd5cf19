#include "endpoints/body_reading.hpp"

#include "runtime/on_lane.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <utility>

namespace sluice::endpoints {
namespace {

Problem too_late() { return Problem::of(504, "The request took too long."); }

Problem too_many() {
    auto problem = Problem::of(503, "Too many large bodies wait to be read.");
    problem.retry_after = std::chrono::seconds{1};
    return problem;
}

}  // namespace

awaitable<JsonBody::Read> read_body(std::shared_ptr<const JsonBody> body, runtime::BlockingLane& lane,
                                    const Exchange& exchange, std::string_view bytes) {
    if (auto read = body->read_at_once(bytes)) co_return std::move(*read);
    // Owns the bytes, as the exchange may be gone before they are read.
    std::function<JsonBody::Read()> work = [body = std::move(body), bytes = std::string{bytes},
                                            deadline = exchange.deadline]() -> JsonBody::Read {
        if (deadline.passed(Clock::now())) return too_late();  // nobody waits any more
        return body->read(bytes);
    };
    auto read = co_await runtime::on_lane<JsonBody::Read>(lane, exchange.executor, exchange.deadline, std::move(work));
    if (read) co_return std::move(*read);
    co_return read.error() == runtime::LaneError::full ? too_many() : too_late();
}

}  // namespace sluice::endpoints
