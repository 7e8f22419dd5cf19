#include "memory/database.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace sluice::memory {

void Database::answer_with(Answer answer) {
    const std::lock_guard lock{mutex_};
    answer_ = std::move(answer);
}

Database::Result Database::row(std::string json) {
    QueryResult result;
    result.json = std::move(json);
    result.found = true;
    return result;
}

StatementId Database::add(StatementSpec spec) {
    const std::lock_guard lock{mutex_};
    std::erase_if(known_, [](const auto& entry) { return entry.second.expired(); });
    for (const auto& [number, weak] : known_) {
        if (auto known = weak.lock(); known && known->spec == spec) return StatementId{number, std::move(known)};
    }
    auto made = std::make_shared<Known>();
    made->spec = std::move(spec);
    known_.emplace_back(next_, made);
    return StatementId{next_++, std::move(made)};
}

awaitable<Database::Result> Database::run(Query query, Deadline deadline) {
    co_await boost::asio::post(co_await boost::asio::this_coro::executor, use_awaitable);
    if (deadline.passed(Clock::now())) co_return DatabaseError{DatabaseError::Kind::timed_out, {}, "the deadline passed"};
    Answer answer;
    {
        const std::lock_guard lock{mutex_};
        queries_.push_back(query);
        answer = answer_;
    }
    if (!answer) co_return DatabaseError{DatabaseError::Kind::unavailable, {}, "there is no server"};
    co_return answer(static_cast<const Known&>(*query.statement.known()).spec, query);
}

std::vector<Query> Database::queries() const {
    const std::lock_guard lock{mutex_};
    return queries_;
}

std::size_t Database::statements() const {
    const std::lock_guard lock{mutex_};
    return static_cast<std::size_t>(
        std::count_if(known_.begin(), known_.end(), [](const auto& entry) { return !entry.second.expired(); }));
}

}  // namespace sluice::memory
