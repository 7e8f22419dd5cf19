#include "postgres/workers/statement_table.hpp"

#include "sql/scanner.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace sluice::postgres {

StatementTable::Known::Known(StatementSpec spec, std::shared_ptr<StatementTable> in)
    : statement{std::move(spec)},
      names{sql::mentioned_names(statement.spec().sql)},
      number{in->last_number_.fetch_add(1, std::memory_order_relaxed) + 1},
      table_{std::move(in)} {}

StatementTable::Known::~Known() {
    const std::lock_guard lock{table_->mutex_};
    if (table_->numbers_.erase(number) > 0) table_->changes_.fetch_add(1, std::memory_order_release);
}

StatementId StatementTable::add(StatementSpec spec) {
    if (const auto same = find(spec)) return StatementId{same->number, same};
    const auto made = std::make_shared<const Known>(std::move(spec), shared_from_this());
    const std::lock_guard lock{mutex_};
    numbers_.emplace(made->number, made.get());
    changes_.fetch_add(1, std::memory_order_release);
    return StatementId{made->number, made};
}

const StatementTable::Known& StatementTable::of(const StatementId& id) {
    const auto* known = dynamic_cast<const Known*>(id.known().get());
    if (known == nullptr) throw std::invalid_argument{"a query of a statement that was not added"};
    return *known;
}

// One that is about to take itself out has no owner any more, and is none to share.
std::shared_ptr<const StatementTable::Known> StatementTable::find(const StatementSpec& spec) const {
    const std::lock_guard lock{mutex_};
    for (const auto& [number, known] : numbers_) {
        if (known->statement.spec() != spec) continue;
        if (auto same = known->weak_from_this().lock()) return same;
    }
    return nullptr;
}

std::vector<std::uint64_t> StatementTable::numbers() const {
    std::vector<std::uint64_t> all;
    const std::lock_guard lock{mutex_};
    all.reserve(numbers_.size());
    for (const auto& [number, known] : numbers_) all.push_back(number);
    return all;
}

std::vector<std::string> StatementTable::names() const {
    std::vector<std::string> all;
    {
        const std::lock_guard lock{mutex_};
        for (const auto& [number, known] : numbers_) all.insert(all.end(), known->names.begin(), known->names.end());
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
}

}  // namespace sluice::postgres
