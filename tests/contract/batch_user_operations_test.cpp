// SPDX-License-Identifier: Apache-2.0
#include "state/document/batch_user_operations.hpp"

#include <boost/asio/post.hpp>

#include "state/document/clients.hpp"
#include "state/document/online_users.hpp"
#include "state/document/services.hpp"
#include "state/document/user_rooms.hpp"
#include "support/with_redis.hpp"

using namespace hiky;
using namespace testing;
using state::batch_user_operations;

namespace {

struct batch : support::with_redis {
  state::online_users online{redis};
  state::user_rooms rooms{redis};

  static std::vector<user_id> users(int count) {
    std::vector<user_id> out;
    out.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) out.emplace_back("user-" + std::to_string(i));
    return out;
  }
  long reads_of_redis() {
    auto const stats = probe("INFO", "stats");
    auto const name = std::string_view{"total_reads_processed:"};
    return std::stol(stats.substr(stats.find(name) + name.size()));
  }
};

// How many were under way at once.
struct gauge {
  int now = 0, most = 0;

  task<result<redis::reply>> count(task<result<redis::reply>> what) {
    most = std::max(most, ++now);
    auto answer = co_await std::move(what);
    --now;
    co_return answer;
  }
};

}  // namespace

TEST_F(batch, gives_one_outcome_per_user_in_their_order) {
  probe("SADD", "ws:online_users", "user-1", "user-3");
  auto const done = run(batch_user_operations(users(5), [&](user_id user) { return online.contains(user); }));
  ASSERT_THAT(done, SizeIs(5));
  for (std::size_t i = 0; i < done.size(); ++i) {
    EXPECT_EQ(done[i].user, user_id{"user-" + std::to_string(i)});
    EXPECT_TRUE(done[i].success);
    EXPECT_EQ(done[i].result, i == 1 || i == 3);
    EXPECT_EQ(done[i].error, "");
  }
}

TEST_F(batch, does_not_let_one_failure_stop_the_rest) {
  probe("SADD", "ws:user_rooms:user-0", "tea");
  probe("SET", "ws:user_rooms:user-1", "a string");
  probe("SADD", "ws:user_rooms:user-2", "cake");
  auto const done = run(batch_user_operations(users(3), [&](user_id user) { return rooms.all(user); }));
  EXPECT_THAT(done[0].result, Optional(ElementsAre(room_id{"tea"})));
  EXPECT_FALSE(done[1].success);
  EXPECT_EQ(done[1].result, std::nullopt);
  EXPECT_THAT(done[1].error, AllOf(StartsWith("WRONGTYPE"), HasSubstr("ws:user_rooms:user-1")));
  EXPECT_THAT(done[2].result, Optional(ElementsAre(room_id{"cake"})));
  ASSERT_THAT(log.lines(), SizeIs(1));
  EXPECT_THAT(log.lines()[0], StartsWith("batch.failed users=1 of=3 first_reason=\"WRONGTYPE"));
}

TEST_F(batch, keeps_exceptions_as_that_users_failure) {
  auto const done = run(batch_user_operations(users(3), [](user_id user) -> task<int> {
    if (user == user_id{"user-0"}) throw std::runtime_error("not this one");
    if (user == user_id{"user-1"}) throw 42;
    co_return 7;
  }));
  EXPECT_EQ(done[0].error, "not this one");
  EXPECT_EQ(done[1].error, "not a std::exception");
  EXPECT_EQ(done[2].result, 7);
}

TEST_F(batch, takes_operations_without_a_value) {
  auto const done = run(batch_user_operations(users(2), [&](user_id user) { return online.add(user); }));
  EXPECT_TRUE(done[0].success);
  EXPECT_TRUE(done[1].success);
  EXPECT_EQ(probe("SCARD", "ws:online_users"), "2");
}

TEST_F(batch, takes_operations_of_the_documents_services) {
  state::services services{redis};
  auto const done = run(batch_user_operations(users(2), [&](user_id user) { return services.add_online_user(user); }));
  EXPECT_EQ(done[0].result, true);
  EXPECT_EQ(done[1].result, true);
}

TEST_F(batch, of_nobody_is_empty) {
  EXPECT_THAT(run(batch_user_operations({}, [&](user_id user) { return online.add(user); })), IsEmpty());
  EXPECT_THAT(log.lines(), IsEmpty());
}

TEST_F(batch, travels_to_redis_together) {
  ok(online.count());
  auto const before = reads_of_redis();
  auto const done = run(batch_user_operations(users(200), [&](user_id user) { return online.add(user); }));
  EXPECT_LE(reads_of_redis() - before, 5);  // the batch, and the probe's own question; one by one it would be 201
  EXPECT_EQ(std::ranges::count(done, true, &state::user_outcome<bool>::success), 200);
  EXPECT_EQ(probe("SCARD", "ws:online_users"), "200");
}

TEST_F(batch, has_no_more_in_flight_than_it_may) {
  gauge under_way;
  auto const& most = under_way.most;
  auto const op = [&](user_id) { return under_way.count(redis.exec(redis::request{"PING"})); };
  EXPECT_THAT(run(batch_user_operations(users(1'000), op)), SizeIs(1'000));
  EXPECT_EQ(most, 256);
  under_way = {};
  EXPECT_THAT(run(batch_user_operations(users(10), op, 3)), SizeIs(10));
  EXPECT_EQ(most, 3);
  under_way = {};
  EXPECT_THAT(run(batch_user_operations(users(10), op, 0)), SizeIs(10));
  EXPECT_EQ(most, 1);
}

TEST_F(batch, says_once_that_redis_is_away) {
  redis.stop();
  log.clear();
  auto const done = run(batch_user_operations(users(500), [&](user_id user) { return online.add(user); }));
  for (auto const& outcome : done) EXPECT_THAT(outcome.error, StartsWith("no connection to Redis"));
  EXPECT_THAT(log.lines(),
              ElementsAre(StartsWith("batch.failed users=500 of=500 first_reason=\"no connection to Redis")));
}
