// SPDX-License-Identifier: Apache-2.0
// The document's promise, once and for all of its methods: run, log, fall back; never fail, never throw.
#pragma once
#include <exception>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/async.hpp"
#include "base/error.hpp"

namespace hiky::state {

namespace settling {

// What an operation gives in the end: of task<result<T>> or task<T> the T; success as a bool where T is void.
template <class T>
struct settled {
  using type = T;
  static constexpr bool may_fail = false;
};
template <>
struct settled<void> {
  using type = bool;
  static constexpr bool may_fail = false;
};
template <class T>
struct settled<result<T>> {
  using type = settled<T>::type;
  static constexpr bool may_fail = true;
};

template <class Op, class... Args>
using outcome_of = std::invoke_result_t<Op, Args...>::value_type;

// One log line. Does nothing when there is no memory for it.
void report(std::string_view operation, std::string_view code, std::string_view reason) noexcept;

}  // namespace settling

// Runs `op` and gives its value. If it fails or throws (no memory, cancelled, …): one log line with `name` and the
// reason, and `fallback`. `op` is called once, with no arguments, and gives a task<result<T>> or a task<T>.
template <class Op, class T = settling::settled<settling::outcome_of<Op>>::type>
task<T> settle(Op op, std::type_identity_t<T> fallback, std::string_view name) {
  using outcome_type = settling::outcome_of<Op>;
  try {
    if constexpr (settling::settled<outcome_type>::may_fail) {
      auto outcome = co_await std::move(op)();
      if (!outcome) {
        settling::report(name, to_string(outcome.error().code), outcome.error().text);
      } else if constexpr (std::is_void_v<typename outcome_type::value_type>) {
        co_return true;
      } else {
        co_return std::move(*outcome);
      }
    } else if constexpr (std::is_void_v<outcome_type>) {
      co_await std::move(op)();
      co_return true;
    } else {
      co_return co_await std::move(op)();
    }
  } catch (std::exception const& e) {
    settling::report(name, "exception", e.what());
  } catch (...) {
    settling::report(name, "exception", "not a std::exception");
  }
  co_return fallback;
}

// The document's safeRedisOperation. Without a fallback: nothing, empty, 0 or false, whatever that is for the type.
//   auto rooms = co_await safe_redis_operation([&] { return user_rooms.all(user); }, {});
template <class Op, class T = settling::settled<settling::outcome_of<Op>>::type>
task<T> safe_redis_operation(Op op, std::type_identity_t<T> fallback = {}) {
  return settle<Op, T>(std::move(op), std::move(fallback), "safe_redis_operation");
}

}  // namespace hiky::state
