// SPDX-License-Identifier: Apache-2.0
#include "state/document/with_fallback.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include <new>

#include "state/document/online_users.hpp"
#include "state/document/user_rooms.hpp"
#include "support/with_redis.hpp"

using namespace hiky;
using namespace testing;
using state::safe_redis_operation;

namespace {

struct safe_operation : support::with_redis {
  state::user_rooms rooms{redis};
  user_id alice{"alice"};
};

task<int> seven() { co_return 7; }
task<result<int>> refused() { co_return fail(errc::conflict, "somebody else was first"); }
template <class Exception>
task<int> thrown() {
  throw Exception{};
  co_return 7;
}
task<> nothing() { co_return; }

}  // namespace

TEST_F(safe_operation, gives_the_value_of_what_went_well) {
  probe("SADD", "ws:user_rooms:alice", "tea");
  EXPECT_THAT(run(safe_redis_operation([&] { return rooms.all(alice); }, {})), ElementsAre(room_id{"tea"}));
  EXPECT_EQ(run(safe_redis_operation(seven, -1)), 7);
  EXPECT_THAT(log.lines(), IsEmpty());
}

TEST_F(safe_operation, falls_back_and_says_why_in_one_line) {
  probe("SET", "ws:user_rooms:alice", "a string");
  std::vector<room_id> const lobby{room_id{"lobby"}};
  EXPECT_EQ(run(safe_redis_operation([&] { return rooms.all(alice); }, lobby)), lobby);
  ASSERT_THAT(log.lines(), SizeIs(1));
  EXPECT_THAT(log.lines()[0],
              StartsWith("operation.failed operation=safe_redis_operation code=server_error reason=\"WRONGTYPE"));
}

TEST_F(safe_operation, falls_back_to_nothing_unless_told_otherwise) {
  EXPECT_EQ(run(safe_redis_operation(refused)), 0);
  EXPECT_EQ(run(safe_redis_operation(refused, -1)), -1);
}

TEST_F(safe_operation, tells_success_where_there_is_no_value) {
  EXPECT_TRUE(run(safe_redis_operation([&] { return rooms.add(alice, room_id{"tea"}); })));
  EXPECT_TRUE(run(safe_redis_operation(nothing)));
  probe("SET", "ws:user_rooms:alice", "a string");
  EXPECT_FALSE(run(safe_redis_operation([&] { return rooms.add(alice, room_id{"tea"}); })));
}

TEST_F(safe_operation, turns_every_exception_into_the_fallback) {
  EXPECT_EQ(run(safe_redis_operation(thrown<std::bad_alloc>, -1)), -1);
  EXPECT_EQ(run(safe_redis_operation(thrown<int>, -1)), -1);
  EXPECT_EQ(run(safe_redis_operation([]() -> task<int> { throw std::runtime_error("before there was a task"); }, -1)),
            -1);
  EXPECT_THAT(log.lines(), ElementsAre(HasSubstr("code=exception reason=std::bad_alloc"),
                                       HasSubstr("not a std::exception"), HasSubstr("before there was a task")));
}

TEST_F(safe_operation, falls_back_when_it_is_cancelled) {
  asio::cancellation_signal stop;
  std::optional<int> got;
  auto sleep = []() -> task<int> {
    asio::steady_timer timer{co_await asio::this_coro::executor, std::chrono::hours{1}};
    co_await timer.async_wait(use_task);
    co_return 7;
  };
  asio::co_spawn(
      events.executor(), safe_redis_operation(sleep, -1),
      asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr e, int value) { got = e ? -2 : value; }));
  events.run_for(std::chrono::milliseconds{1});
  EXPECT_EQ(got, std::nullopt);
  stop.emit(asio::cancellation_type::terminal);
  events.run_for(std::chrono::milliseconds{1});
  EXPECT_EQ(got, -1);
  EXPECT_THAT(log.lines(), ElementsAre(HasSubstr("code=exception")));
}
