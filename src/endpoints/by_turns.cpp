#include "endpoints/by_turns.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

namespace sluice::endpoints {

awaitable<std::string> join_by_turns(std::string_view head, std::string_view body, std::string_view tail) {
    std::string all;
    all.reserve(head.size() + body.size() + tail.size());
    all.append(head);
    for (;;) {
        const auto piece = body.substr(0, copied_at_once);
        all.append(piece);
        body.remove_prefix(piece.size());
        if (body.empty()) break;
        const auto executor = co_await boost::asio::this_coro::executor;
        co_await boost::asio::post(executor, use_awaitable);
    }
    co_return std::move(all.append(tail));
}

}  // namespace sluice::endpoints
