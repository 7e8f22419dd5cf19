// A database for tests and for programs without PostgreSQL: answers what it is told to, and remembers what it was asked.
#pragma once

#include "sluice/ports/database.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace sluice::memory {

/// Any thread. Answers when the caller's loop turns next, as a database does that is elsewhere.
class Database final : public sluice::Database {
public:
    using Result = boost::system::result<QueryResult, DatabaseError>;
    /// The answer to a query of that statement.
    using Answer = std::function<Result(const StatementSpec& spec, const Query& query)>;

    /// Without `answer` there is no server: every query is `unavailable`.
    explicit Database(Answer answer = {}) : answer_{std::move(answer)} {}

    void answer_with(Answer answer);
    /// One row, as its JSON; of the primary, if that was asked for.
    static Result row(std::string json);

    StatementId add(StatementSpec spec) override;
    awaitable<Result> run(Query query, Deadline deadline) override;

    /// In the order in which they came.
    std::vector<Query> queries() const;
    /// How many statements are known to somebody.
    std::size_t statements() const;

private:
    struct Known final : KnownStatement {
        StatementSpec spec;
    };

    mutable std::mutex mutex_;
    Answer answer_;
    std::vector<Query> queries_;
    std::vector<std::pair<std::uint64_t, std::weak_ptr<const Known>>> known_;
    std::uint64_t next_ = 1;
};

}  // namespace sluice::memory
