#include "upstream/conversation.hpp"

#include "upstream/answer_body.hpp"
#include "upstream/answer_head.hpp"
#include "upstream/connection_fields.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <utility>

namespace sluice::upstream {
namespace {

using Kind = UpstreamError::Kind;
using Failure = Conversation::Failure;
using Answer = boost::system::result<UpstreamAnswer, Failure>;

constexpr std::size_t reserved_at_most = 1024 * 1024;        // of a body that is only announced
constexpr Duration safety = std::chrono::milliseconds{500};  // before the service closes an idle connection

/// The fields that go further.
std::vector<HeaderField> kept_fields(std::vector<HeaderField> fields) {
    const auto dropped = names_in_connection(fields);
    std::erase_if(fields, [&](const HeaderField& field) {
        const auto is_it = [&](std::string_view name) { return equal_ignoring_case(name, field.name); };
        return is_of_connection(field.name) || is_it("Content-Length") || std::any_of(dropped.begin(), dropped.end(), is_it);
    });
    return fields;
}

awaitable<std::optional<Failure>> read_body(Line& line, const AnswerHead& head, std::size_t max_body, std::string& into) {
    AnswerBody body{head.framing, head.length};
    const auto too_large = [&] {
        return Failure{Kind::body_too_large, "the answer's body is larger than " + std::to_string(max_body) + " bytes",
                       true};
    };
    if (head.framing == Framing::length) {
        if (head.length > max_body) co_return too_large();
        into.reserve(std::min(head.length, reserved_at_most));
    }
    while (body.state() == AnswerBody::State::incomplete) {
        const auto piece = body.next(line.input());
        if (piece.data.size() > max_body - into.size()) co_return too_large();
        into.append(piece.data);
        line.consume(piece.consumed);
        if (body.state() == AnswerBody::State::malformed) co_return Conversation::not_http("has chunks that cannot be read");
        if (piece.consumed > 0) continue;
        const auto error = co_await line.read();
        if (!error) continue;
        if (error == boost::asio::error::eof) body.close();
        if (body.state() != AnswerBody::State::complete)
            co_return Conversation::lost(line, error, true, "in the answer's body");
    }
    co_return std::nullopt;
}

}  // namespace

Failure Conversation::lost(const Line& line, const Line::Error& error, bool answer_began, std::string_view doing) {
    if (line.timed_out()) return {Kind::timed_out, "no answer in time", answer_began};
    auto reason = error == boost::asio::error::eof ? std::string{"the connection was closed"} : error.message();
    return {answer_began ? Kind::cut_off : Kind::reset, std::string{doing} + ": " + std::move(reason), answer_began};
}

Failure Conversation::not_http(std::string_view reason) {
    return {Kind::not_http, "the answer " + std::string{reason}, true};
}

Conversation::Ending Conversation::ending_of(const Line& line, const AnswerHead& head) {
    Ending ending;
    ending.reusable = head.keep_alive && line.input().empty();
    if (head.idle_seconds) ending.patience = std::max(Duration::zero(), std::chrono::seconds{*head.idle_seconds} - safety);
    return ending;
}

awaitable<boost::system::result<Conversation::Head, Failure>> Conversation::next_head(Line& line, bool to_head, bool began,
                                                                                      std::string_view doing) {
    HeadSearch search;
    for (;;) {
        if (!line.input().empty()) {
            const auto found = search.search(line.input());
            if (const auto* wrong = std::get_if<NotAnAnswer>(&found)) co_return not_http(wrong->reason);
            if (const auto size = std::get<std::size_t>(found); size > 0) {
                Head result;
                result.given.memory = std::make_shared<const std::string>(line.input().substr(0, size));
                line.consume(size);
                auto head = read_head(*result.given.memory, to_head);
                if (const auto* wrong = std::get_if<NotAnAnswer>(&head)) co_return not_http(wrong->reason);
                result.read = std::move(std::get<AnswerHead>(head));
                if (result.read.status == 101) co_return not_http("switches to a protocol that nobody asked for");
                result.given.status = result.read.status;
                result.given.content_length = result.read.content_length;
                result.given.fields = kept_fields(std::move(result.read.fields));
                co_return result;
            }
        }
        if (const auto error = co_await line.read()) {
            const bool some = began || !line.input().empty();
            co_return lost(line, error, some, some ? "in the answer's head" : doing);
        }
    }
}

awaitable<Answer> Conversation::hold(Line& line, std::string_view head, std::string_view body, bool to_head,
                                     std::size_t max_body, Ending& ending) {
    // A service may answer and close before it has read everything: what it said counts.
    const auto unsent = co_await line.write(head, body);
    if (line.timed_out()) co_return lost(line, unsent, false, "sending");
    for (unsigned interim = 0; interim <= most_interim; ++interim) {
        auto next = co_await next_head(line, to_head, interim > 0, unsent ? "sending" : "before the answer");
        if (!next) co_return std::move(next).error();
        if (next->read.status < 200) continue;
        UpstreamAnswer answer;
        if (auto failure = co_await read_body(line, next->read, max_body, answer.body)) co_return std::move(*failure);
        ending = ending_of(line, next->read);
        ending.reusable = ending.reusable && !unsent;
        answer.head = std::move(next->given);
        co_return answer;
    }
    co_return not_http("is preceded by too many interim answers");
}

}  // namespace sluice::upstream
