// SPDX-License-Identifier: Apache-2.0
// The document's promise about errors, in one place for all of its methods: an operation that fails, or throws, becomes
// one line in the log and the method's fallback. It never reaches the caller.
#pragma once
#include <exception>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/async.hpp"
#include "base/error.hpp"

namespace hiky::state {

namespace operation {

// The value that a caller gets of an operation: the T of task<result<T>> or task<T>; success as a bool where T is void.
template <class T>
struct value {
  using type = T;
  static constexpr bool may_fail = false;
};
template <>
struct value<void> {
  using type = bool;
  static constexpr bool may_fail = false;
};
template <class T>
struct value<result<T>> {
  using type = value<T>::type;
  static constexpr bool may_fail = true;
};

template <class Op, class... Args>
using outcome_of = std::invoke_result_t<Op, Args...>::value_type;

// `operation.failed operation=NAME code=… reason=…`. Writes nothing when there is no memory for the line.
void report_failure(std::string_view name, std::string_view code, std::string_view reason) noexcept;

}  // namespace operation

// Runs `op` and gives its value. If it fails or throws (no memory, cancelled, …): one log line with `name` and the
// reason, and `fallback`. `op` is called once, with no arguments, and gives a task<result<T>> or a task<T>.
template <class Op, class T = operation::value<operation::outcome_of<Op>>::type>
task<T> with_fallback(Op op, std::type_identity_t<T> fallback, std::string_view name) {
  using outcome_type = operation::outcome_of<Op>;
  try {
    if constexpr (operation::value<outcome_type>::may_fail) {
      auto outcome = co_await std::move(op)();
      if (!outcome) {
        operation::report_failure(name, to_string(outcome.error().code), outcome.error().text);
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
    operation::report_failure(name, "exception", e.what());
  } catch (...) {
    operation::report_failure(name, "exception", "not a std::exception");
  }
  co_return fallback;
}

// The document's safeRedisOperation (usage example 9). The default fallback is the empty value of the type: nothing, an
// empty list, 0 or false.
//   auto rooms = co_await safe_redis_operation([&] { return user_rooms.all(user); }, {});
template <class Op, class T = operation::value<operation::outcome_of<Op>>::type>
task<T> safe_redis_operation(Op op, std::type_identity_t<T> fallback = {}) {
  return with_fallback<Op, T>(std::move(op), std::move(fallback), "safe_redis_operation");
}

}  // namespace hiky::state
