// A write's invalidations, recorded in its transaction: whoever sees the write sees them as well.
#pragma once

#include "postgres/workers/write_participant.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::postgres {

/// Whether the schema `sluice` is there and ours to use, as far as a session knows.
struct Bookkeeping {
    bool there = false;
    TimePoint looked_at{};

    void is_gone(TimePoint now) noexcept {
        there = false;
        looked_at = now;
    }
};

class InvalidationRows final : public WriteParticipant {
public:
    /// `query`: it invalidates. All outlive this.
    InvalidationRows(Connection& connection, Bookkeeping& bookkeeping, const Query& query, ResultShape shape)
        : connection_{connection}, bookkeeping_{bookkeeping}, query_{query}, shape_{shape} {}

    std::optional<Ended> prepare(TimePoint limit) override;
    void after_statement(Written& written, const Rows& rows, TimePoint limit) override;

private:
    std::vector<policy::Invalidation> record(const std::vector<std::string>& tags, TimePoint limit);

    Connection& connection_;
    Bookkeeping& bookkeeping_;
    const Query& query_;
    const ResultShape shape_;
};

/// What tags are made of: the values that the server made for them, if the statement returned such, else the first row's
/// JSON. Empty: there is no row. It lives as long as both.
std::string_view first_row_for_tags(ResultShape shape, const QueryResult& result, const Rows& rows);

}  // namespace sluice::postgres
