// SPDX-License-Identifier: Apache-2.0
// The document's batchUserOperations (usage example 9): one operation for many users. A failure for one user stops
// nothing for the others: it stands in that user's outcome, and there is no fallback.
#pragma once
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "state/document/with_fallback.hpp"

namespace hiky::state {

template <class T>
struct user_outcome {
  user_id user;
  bool success = false;
  std::optional<T> result{};  // set if success
  std::string error{};        // the reason, if not
};

namespace operation {

// `batch.failed users=… of=… first_reason=…`: one line for a whole batch, since an outage must not write one for each
// user. Writes nothing when there is no memory for the line.
void report_batch(std::size_t failed, std::size_t of, std::string_view first_reason) noexcept;

template <class Op>
struct batch {
  using outcome_type = outcome_of<Op&, user_id const&>;
  using value_type = value<outcome_type>::type;

  std::vector<user_outcome<value_type>> outcomes;
  Op op;
  std::size_t next = 0;

  // Takes one user after the other until none is left.
  task<> work() {
    while (next < outcomes.size()) {
      auto& mine = outcomes[next++];
      try {
        if constexpr (value<outcome_type>::may_fail) {
          auto outcome = co_await op(std::as_const(mine.user));
          if (!outcome) {
            mine.error = std::move(outcome.error().text);
            continue;
          }
          if constexpr (std::is_void_v<typename outcome_type::value_type>) mine.result = true;
          else mine.result = std::move(*outcome);
        } else if constexpr (std::is_void_v<outcome_type>) {
          co_await op(std::as_const(mine.user));
          mine.result = true;
        } else {
          mine.result = co_await op(std::as_const(mine.user));
        }
        mine.success = true;
      } catch (std::exception const& e) {
        mine.error = e.what();
      } catch (...) {
        mine.error = "not a std::exception";
      }
    }
  }
};

}  // namespace operation

// Runs `op(user)`, which gives a task<result<T>> or a task<T>, for each of `users`; outcomes come in the order of
// `users`. Up to `in_flight` operations run at once, on the caller's executor (one thread, or a strand), so that what
// they send to Redis travels together. Operations of `services` always succeed here, with their fallback as the result,
// as in the document; the strict classes show for which users an operation failed.
//   auto done = co_await batch_user_operations(friends, [&](user_id u) { return online_users.contains(u); });
template <class Op, class T = operation::batch<Op>::value_type>
task<std::vector<user_outcome<T>>> batch_user_operations(std::vector<user_id> users, Op op,
                                                         std::size_t in_flight = 256) {
  operation::batch<Op> all{.outcomes = {}, .op = std::move(op)};
  all.outcomes.reserve(users.size());
  for (auto& user : users) all.outcomes.push_back({.user = std::move(user)});

  auto const executor = co_await asio::this_coro::executor;
  std::vector<decltype(asio::co_spawn(executor, all.work(), asio::deferred))> workers;
  auto const count = std::min(std::max<std::size_t>(in_flight, 1), all.outcomes.size());
  workers.reserve(count);
  while (workers.size() < count) workers.push_back(asio::co_spawn(executor, all.work(), asio::deferred));
  // The group waits for every worker, also after a cancellation: none outlives `all`.
  if (!workers.empty()) {
    co_await asio::experimental::make_parallel_group(std::move(workers))
        .async_wait(asio::experimental::wait_for_all(), use_task);
  }

  auto const failed = static_cast<std::size_t>(std::ranges::count(all.outcomes, false, &user_outcome<T>::success));
  if (failed > 0) {
    auto const first = std::ranges::find(all.outcomes, false, &user_outcome<T>::success);
    operation::report_batch(failed, all.outcomes.size(), first->error);
  }
  co_return std::move(all.outcomes);
}

}  // namespace hiky::state
