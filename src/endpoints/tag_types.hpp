// What is known of the types of the parameters that tags are made of. Learned from PostgreSQL at the start and when tables
// change, read by whoever makes tags.
#pragma once

#include "postgres/connection/parameter_types.hpp"
#include "sluice/ports/database.hpp"
#include "sluice/settings.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace sluice::endpoints {

/// Thread-safe.
class TagTypes {
public:
    using Pointer = std::shared_ptr<const postgres::ParameterTypes>;

    /// By StatementSpec::name. What was known of others stays.
    void learn(std::map<std::string, Pointer> types) {
        const std::lock_guard lock{mutex_};
        types.merge(types_);
        types_ = std::move(types);
    }
    /// Null: not known.
    Pointer of(const std::string& statement) const {
        const std::lock_guard lock{mutex_};
        const auto found = types_.find(statement);
        return found == types_.end() ? nullptr : found->second;
    }

private:
    mutable std::mutex mutex_;
    std::map<std::string, Pointer> types_;
};

/// By what the configuration declares: for parameters that the SQL does not name, and while PostgreSQL was not asked.
postgres::ParameterTypes declared_types(const RouteSettings& route, const StatementSpec& statement);

}  // namespace sluice::endpoints
