// SPDX-License-Identifier: Apache-2.0
// The coroutine vocabulary of the project: Asio's, under short names.
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace hiky {

namespace asio = boost::asio;

// Parameters of a function that returns task<T> are taken by value or outlive it: a coroutine's frame keeps no
// temporary alive.
template <class T = void>
using task = asio::awaitable<T>;

inline constexpr asio::use_awaitable_t<> use_task{};

}  // namespace hiky
