// The one executor and coroutine type of the whole program.
// Concrete on purpose: Asio's polymorphic any_io_executor costs an allocation and a virtual call per operation.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sluice {

/// An event loop's executor. Each loop is an io_context run by one thread, so nothing on it needs a strand.
using Executor = boost::asio::io_context::executor_type;

/// A coroutine that runs on one loop.
template <class T>
using awaitable = boost::asio::awaitable<T, Executor>;

/// Completion token to go with `awaitable`.
inline constexpr boost::asio::use_awaitable_t<Executor> use_awaitable{};

}  // namespace sluice
