// Runs one coroutine to its end on a loop of its own, and returns or throws what it did.
#pragma once

#include "sluice/executor.hpp"

#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <optional>
#include <stdexcept>

namespace sluice::test {

template <class T>
T run(boost::asio::io_context& loop, awaitable<T> coroutine) {
    std::exception_ptr error;
    std::optional<T> value;
    boost::asio::co_spawn(loop.get_executor(), std::move(coroutine), [&](std::exception_ptr e, T result) {
        error = e;
        if (!e) value.emplace(std::move(result));
        loop.stop();
    });
    loop.restart();
    loop.run();
    if (error) std::rethrow_exception(error);
    if (!value) throw std::logic_error{"the coroutine did not finish"};
    return std::move(*value);
}

template <class T>
T run(awaitable<T> coroutine) {
    boost::asio::io_context loop{1};
    return run(loop, std::move(coroutine));
}

}  // namespace sluice::test
