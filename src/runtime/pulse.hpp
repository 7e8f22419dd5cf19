// Lets a loop that is busy with new requests see in time what was answered to those it has.
// Hides how the reactor deals out what is ready: in turn, so that a dependency's answer waits behind every connection that
// has sent something, of which there may be ten thousand.
#pragma once

#include "sluice/executor.hpp"

#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace sluice::runtime {

/// One for each loop. On the loop only, but for `of` and `join`.
class Pulse final : public boost::asio::execution_context::service {
public:
    static inline boost::asio::execution_context::id id;
    /// Looks whether an answer is there, without waiting, and takes it.
    using Look = std::function<void()>;
    /// So many requests may begin before an answer is looked for.
    static constexpr unsigned beats_per_look = 64;

    static Pulse& of(const Executor& executor);
    /// From now on, for as long as its owner keeps it.
    static void join(const Executor& executor, std::weak_ptr<const Look> look);

    explicit Pulse(boost::asio::execution_context& context);

    /// A request begins.
    void beat() {
        if (++beats_ % beats_per_look == 0 && !looks_.empty()) look_soon();
    }

    /// Not in the middle of a request: others are resumed.
    void look();

private:
    void shutdown() noexcept override { looks_.clear(); }
    void look_soon();

    boost::asio::io_context& context_;
    unsigned beats_ = 0;
    bool posted_ = false;
    std::vector<std::weak_ptr<const Look>> looks_;
};

}  // namespace sluice::runtime
