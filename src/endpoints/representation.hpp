// What a route's result is to a client: status, bytes and validator. The one place where they are made, for an answer that
// was just read, one that a cache keeps, one that an idempotency key keeps, and the state that a write's preconditions are
// about.
#pragma once

#include "endpoints/answer_fields.hpp"
#include "endpoints/page.hpp"
#include "sluice/executor.hpp"
#include "sluice/ports/database.hpp"
#include "sluice/response.hpp"
#include "sluice/settings.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::endpoints {

/// 204 and 205 have none (RFC 9110 sections 15.3.5 and 15.3.6).
constexpr bool has_content(unsigned status) noexcept { return status != 204 && status != 205; }

/// Makes the JSON the response's content, if its status has any.
void set_content(Response& response, std::string json);
void set_content(Response& response, std::shared_ptr<const std::string> json);

class Representation {
public:
    using Values = std::vector<std::optional<std::string>>;

    /// Throws std::invalid_argument as Page does.
    Representation(const RouteSettings& route, const std::vector<std::string>& key_secrets);

    bool envelope() const noexcept { return envelope_; }
    /// Null: the route has no pages.
    const Page* page() const noexcept { return page_ ? &*page_ : nullptr; }

    /// Of an answer that found what it was asked for.
    unsigned success_status() const noexcept { return status_; }
    /// 404, or that.
    unsigned status(const QueryResult& result) const noexcept;
    /// Whether `body` and `etag` take no longer than an event loop may be held up.
    static bool takes_one_turn(const QueryResult& result) noexcept;
    /// `{"data":…}`, or without an envelope what would stand in it; throws as Page::behind_rows.
    std::string body(const QueryResult& result, const Values& values) const;
    /// The same without holding up an event loop. Both must outlive the call.
    awaitable<std::string> body_by_turns(const QueryResult& result, const Values& values) const;
    /// Both, as they are sent again. Without a body where the status says all, unless header fields are made of it.
    KeptAnswer answer(const QueryResult& result, const Values& values) const;
    awaitable<KeptAnswer> answer_by_turns(const QueryResult& result, const Values& values) const;

    /// Strong; empty: it has none. Takes as long as it takes to hash the body.
    std::string etag(const QueryResult& result, std::string_view body) const;
    /// The same without holding up an event loop. Both must outlive the call.
    awaitable<std::string> etag_by_turns(const QueryResult& result, std::string_view body) const;

    /// The header fields that the route declares, of an answer with these bytes (of a status without content, those of
    /// `answer`).
    void add_fields(HeaderBlock& headers, const Values& values, std::string_view body) const;
    const AnswerFields& fields() const noexcept { return fields_; }

    /// Changes with what the same row's bytes and validator depend on, beside the SQL.
    std::string mark() const;

private:
    std::string tail(const QueryResult& result, const Values& values) const;
    std::string etag_of_version(const QueryResult& result) const;

    const ResultShape result_;
    const unsigned status_;
    const bool envelope_;
    const EtagMode etag_;
    const std::string statement_;  // a version's ETag must not outlive the form of what it stands for
    std::optional<Page> page_;
    const AnswerFields fields_;
};

/// The answer to a request that does not change what others share: read for it alone, or written.
Response own_response(KeptAnswer answer);

}  // namespace sluice::endpoints
