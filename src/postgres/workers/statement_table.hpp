// The statements that callers have given to a pool, each known as long as somebody names it. Hides how equal ones are found,
// and who is counted.
#pragma once

#include "policy/statement_pace.hpp"
#include "sluice/ports/database.hpp"
#include "sql/statement.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace sluice::postgres {

/// Any thread. Made with std::make_shared: it lives as long as a statement's id.
class StatementTable : public std::enable_shared_from_this<StatementTable> {
public:
    /// What is known of a statement.
    class Known final : public KnownStatement, public std::enable_shared_from_this<Known> {
    public:
        Known(StatementSpec spec, std::shared_ptr<StatementTable> in);
        /// Takes itself out of the table.
        ~Known() override;
        Known(const Known&) = delete;
        Known& operator=(const Known&) = delete;

        const sql::Statement statement;
        const std::vector<std::string> names;  ///< that its SQL mentions, see CatalogWatch
        mutable policy::StatementPace pace;
        const std::uint64_t number;

    private:
        const std::shared_ptr<StatementTable> table_;
    };

    /// An equal statement, if one is known, has the same id. Throws std::invalid_argument like sql::Statement.
    StatementId add(StatementSpec spec);
    /// Lives as long as the id. Throws std::invalid_argument for one that no table has given.
    static const Known& of(const StatementId& id);

    /// Another number when a statement has come or gone: then there may be something to forget.
    std::uint64_t changes() const noexcept { return changes_.load(std::memory_order_acquire); }
    /// The numbers of those that are known, sorted. That of another one never comes again.
    std::vector<std::uint64_t> numbers() const;
    /// What all of them mention, sorted.
    std::vector<std::string> names() const;

private:
    std::shared_ptr<const Known> find(const StatementSpec& spec) const;

    std::atomic<std::uint64_t> changes_{0};
    std::atomic<std::uint64_t> last_number_{0};
    mutable std::mutex mutex_;                       // guards what follows
    std::map<std::uint64_t, const Known*> numbers_;  // each is whole: it takes itself out first of all
};

}  // namespace sluice::postgres
