#include "endpoints/in_flight.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace sluice::endpoints {
namespace {

constexpr auto counted_from = runtime::MemoryBudget::counted_from;

/// Bytes that outlive whoever holds them as long as they are being sent.
template <class Owner>
struct Sent {
    Owner owner;
    InFlight::Held held;
};

std::size_t announced(const Request& request, std::size_t limit) {
    const auto length = request.header("Content-Length");
    if (!length) return request.header("Transfer-Encoding") ? limit : 0;
    std::size_t bytes = 0;
    const auto [end, error] = std::from_chars(length->data(), length->data() + length->size(), bytes);
    return error == std::errc{} ? std::min(bytes, limit) : limit;
}

DatabaseError no_memory() { return {DatabaseError::Kind::no_memory, {}, "server.memory is taken"}; }

}  // namespace

InFlight::InFlight(runtime::MemoryBudget* budget, telemetry::Metrics* metrics) : budget_{budget} {
    if (metrics == nullptr) return;
    bodies_refused_ = metrics->memory_refusals("body");
    answers_refused_ = metrics->memory_refusals("answer");
}

InFlight::Held InFlight::share(std::optional<Share> share) const {
    return share ? std::make_shared<const Share>(std::move(*share)) : nullptr;
}

std::variant<InFlight::Held, Problem> InFlight::body(const Request& request, std::size_t limit) const {
    const auto bytes = 2 * announced(request, limit);
    if (budget_ == nullptr || bytes < counted_from) return Held{};
    if (auto held = share(budget_->try_claim(bytes))) return held;
    bodies_refused_.add();
    auto problem = Problem::of(503, "Too many large requests and answers are in flight.");
    problem.retry_after = std::chrono::seconds{1};
    return problem;
}

boost::system::result<InFlight::Held, DatabaseError> InFlight::before_fetch() const {
    const auto bytes = expected_.bytes();
    if (budget_ == nullptr || bytes < counted_from) return Held{};
    if (auto held = share(budget_->try_claim(bytes))) return held;
    answers_refused_.add();
    expected_.observe(0);  // or it would be refused for ever if it were larger than the budget
    return no_memory();
}

boost::system::result<InFlight::Held, DatabaseError> InFlight::fetched(Held held, std::size_t bytes) const {
    expected_.observe(bytes);
    if (budget_ == nullptr || bytes < counted_from) return Held{};
    held.reset();
    if (auto now = share(budget_->try_claim(bytes))) return now;
    answers_refused_.add();
    return no_memory();
}

void InFlight::hold(Response& response, Held held) {
    if (!held || response.shared_body || response.body.size() < counted_from) return;
    using Owned = Sent<std::string>;
    auto sent = std::make_shared<Owned>();
    sent->owner.swap(response.body);
    sent->held = std::move(held);
    const auto* bytes = &sent->owner;
    response.shared_body = {std::move(sent), bytes};
}

void InFlight::hold(Response& response, const cache::ValuePointer& value) const {
    if (budget_ == nullptr || !response.shared_body || response.shared_body->size() < counted_from) return;
    auto held = std::static_pointer_cast<const Share>(value->in_flight.find());
    if (!held) {
        held = std::make_shared<const Share>(budget_->claim(value->bytes()));
        value->in_flight.set(held);
    }
    using Shared = Sent<std::shared_ptr<const std::string>>;
    auto sent = std::make_shared<Shared>(Shared{std::move(response.shared_body), std::move(held)});
    const auto* bytes = sent->owner.get();
    response.shared_body = {std::move(sent), bytes};
}

}  // namespace sluice::endpoints
