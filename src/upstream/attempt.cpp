#include "upstream/attempt.hpp"

#include "upstream/conversation.hpp"

#include <algorithm>
#include <utility>

namespace sluice::upstream {
namespace {

using Kind = UpstreamError::Kind;
using Answer = boost::system::result<UpstreamAnswer, AttemptFailure>;

constexpr std::size_t most_addresses = 4;  // of a name that are tried for one request

}  // namespace

awaitable<Answer> Attempt::run() const {
    const auto head = request_head(request, body_length(), rules, endpoint.authority);
    if (!head) co_return AttemptFailure{Kind::invalid, head.error().reason};
    const Outstanding counted{endpoint};
    const auto wait_until = deadline.sooner(Deadline::after(Clock::now(), settings.timeouts.response));
    bool overloaded = false;
    auto lease = co_await pool->acquire(index, wait_until, fresh, overloaded);
    if (!lease) {
        if (!overloaded) co_return AttemptFailure{Kind::unavailable, "the process ends"};
        co_return AttemptFailure{Kind::overloaded, "all connections are busy"};
    }
    if (!lease.is_reused()) {
        auto connected = co_await connect(lease.line());
        if (!connected) co_return std::move(connected).error();
    }
    co_return co_await converse(lease, *head);
}

awaitable<Answer> Attempt::converse(LoopPool::Lease& lease, const std::string& head) const {
    auto& line = lease.line();
    const bool reused = lease.is_reused();
    Conversation::Ending ending;
    auto answer = co_await exchange(line, head, ending);
    if (!answer) {
        const auto failure = answer.error();
        const bool stale = reused && !failure.answer_began && failure.kind == Kind::reset;
        co_return AttemptFailure{failure.kind, failure.reason, true, failure.answer_began, stale};
    }
    if (ending.reusable) lease.give_back(Clock::now(), ending.patience);
    co_return std::move(*answer);
}

BodyLength Attempt::body_length() const {
    BodyLength length;
    if (streams != nullptr && streams->source != nullptr) {
        length.bytes = streams->source->length();
        length.chunked = !length.bytes;
    } else if (request.body) {
        length.bytes = request.body->size();
    }
    return length;
}

awaitable<boost::system::result<UpstreamAnswer, Conversation::Failure>> Attempt::exchange(
    Line& line, const std::string& head, Conversation::Ending& ending) const {
    const std::string_view body = request.body ? std::string_view{*request.body} : std::string_view{};
    const bool to_head = request.method == "HEAD";
    if (streams == nullptr) {
        line.end_at(deadline.sooner(Deadline::after(Clock::now(), settings.timeouts.response)).time());
        co_return co_await Conversation::hold(line, head, body, to_head, max_body, ending);
    }
    const RelayRequest passed{.head = head,
                              .body = body,
                              .to_head = to_head,
                              .expects_continue = request.expects_continue,
                              .patience = settings.timeouts.response,
                              .head_by = deadline};
    auto result = co_await relay(line, passed, *streams, ending);
    if (!result) co_return std::move(result).error();
    co_return UpstreamAnswer{std::move(*result), {}};
}

awaitable<boost::system::result<void, AttemptFailure>> Attempt::connect(Line& line) const {
    const auto until = deadline.sooner(Deadline::after(Clock::now(), settings.timeouts.connect)).time();
    auto addresses = endpoint.addresses.to_try();
    addresses.resize(std::min(addresses.size(), most_addresses));
    AttemptFailure failure{Kind::timed_out, "no connection in time"};
    if (addresses.empty()) failure = {Kind::unavailable, "its name has no address"};
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        // One that swallows packets leaves the others their share of the time.
        const auto now = Clock::now();
        if (now >= until) break;
        line.end_at(now + (until - now) / static_cast<Duration::rep>(addresses.size() - i));
        std::string why_not;
        const auto error = co_await connect_to(line, addresses[i], why_not);
        if (!error) {
            endpoint.addresses.worked(addresses[i]);
            co_return boost::system::result<void, AttemptFailure>{};
        }
        endpoint.addresses.failed(addresses[i]);
        if (line.timed_out())
            failure = {Kind::timed_out, "no connection in time"};
        else if (!why_not.empty())
            failure = {Kind::untrusted, std::move(why_not)};
        else
            failure = {Kind::refused, error.message()};
    }
    co_return failure;
}

awaitable<Line::Error> Attempt::connect_to(Line& line, Line::Address address, std::string& why_not) const {
    auto error = co_await line.connect(address);
    if (error || tls == nullptr) co_return error;
    const auto& name = settings.tls.server_name;
    co_return co_await line.secure(tls->begin(name.empty() ? endpoint.url.host : name), why_not);
}

}  // namespace sluice::upstream
