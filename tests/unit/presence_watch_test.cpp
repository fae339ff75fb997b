// SPDX-License-Identifier: Apache-2.0
// The friends that a connection watches, on a clock of the test's own: when a friend is looked at, and the news that
// the look gives.
#include "chat/presence_watch.hpp"

#include <gmock/gmock.h>
#include <boost/smart_ptr/intrusive_ptr.hpp>

#include <array>

using namespace hiky;
using namespace hiky::chat;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

user_id const alice{"alice"}, bob{"bob"}, carol{"carol"};

class a_watch : public testing::Test {
 protected:
  // The first answer has told the state of each of these users.
  void begin(std::vector<std::pair<user_id, bool>> const& states) {
    std::vector<user_id> users;
    for (auto const& [user, online] : states) users.push_back(user);
    watch = new presence_watch{users, times, now};
    for (auto const& [user, online] : states) watch->answered(user, online, now);
  }
  // Alice has gone, and the client had no room for the news.
  void lose_alice_unheard() {
    begin({{alice, true}});
    watch->announced("alice", false, now);
    now += times.batch;
    watch->take_due(now);
    EXPECT_TRUE(watch->answered(alice, false, now));
    watch->untold(alice, now);
  }
  // Moves the clock to the next due look, but not by more than `most`. True if a look is due then.
  bool wait(std::chrono::milliseconds most) {
    auto const until = now + most;
    now = std::min(until, std::max(now, watch->due()));
    return watch->due() <= now;
  }

  watch_times const times{};
  presence_watch::time now{1h};
  boost::intrusive_ptr<presence_watch> watch;
};

}  // namespace

TEST_F(a_watch, looks_a_batch_after_an_announcement_and_at_those_announced_meanwhile) {
  begin({{alice, true}, {bob, true}, {carol, true}});
  auto const began = now;
  EXPECT_TRUE(watch->announced("alice", false, now));
  now += 100ms;
  EXPECT_TRUE(watch->announced("bob", false, now));
  EXPECT_FALSE(watch->announced("dora", false, now));
  EXPECT_TRUE(wait(1s));
  EXPECT_EQ(now, began + times.batch);
  EXPECT_THAT(watch->take_due(now), ElementsAre(alice, bob));
  EXPECT_TRUE(watch->answered(alice, false, now));
  EXPECT_TRUE(watch->answered(bob, false, now));
  EXPECT_FALSE(wait(10s));
}

TEST_F(a_watch, has_nothing_to_tell_of_who_went_and_came_back_within_a_batch) {
  begin({{alice, true}});
  watch->announced("alice", false, now);
  watch->announced("alice", true, now + 100ms);
  now += times.batch;
  EXPECT_THAT(watch->take_due(now), ElementsAre(alice));
  EXPECT_FALSE(watch->answered(alice, true, now));
}

TEST_F(a_watch, looks_once_more_at_a_friend_who_is_announced_while_redis_is_asked) {
  begin({{alice, true}});
  watch->announced("alice", false, now);
  now += times.batch;
  watch->take_due(now);
  watch->announced("alice", true, now);  // after Redis was asked, before its answer is here
  EXPECT_FALSE(watch->answered(alice, false, now)) << "she is back, and the next look tells";
  EXPECT_TRUE(wait(times.batch));
  EXPECT_THAT(watch->take_due(now), ElementsAre(alice));
  EXPECT_FALSE(watch->answered(alice, true, now));
}

TEST_F(a_watch, believes_an_absence_that_nobody_announced_only_after_a_while) {
  begin({{alice, true}, {bob, true}});
  watch->doubt_all(now);
  EXPECT_TRUE(watch->renewal_due(now));
  watch->renew(std::array{alice, bob}, now);
  EXPECT_THAT(watch->take_due(now), ElementsAre(alice, bob));
  EXPECT_FALSE(watch->answered(alice, false, now));
  EXPECT_FALSE(watch->answered(bob, false, now));
  EXPECT_FALSE(wait(times.patience - 1ms));
  now += 1ms;
  EXPECT_THAT(watch->take_due(now), ElementsAre(alice, bob));
  EXPECT_TRUE(watch->answered(alice, false, now));
  EXPECT_FALSE(watch->answered(bob, true, now)) << "within the grace, or in Redis again";
  EXPECT_FALSE(wait(10s)) << "both are known now";
}

TEST_F(a_watch, tells_at_once_of_a_presence_that_nobody_announced) {
  begin({{alice, false}});
  watch->renew(std::array{alice}, now);
  watch->take_due(now);
  EXPECT_TRUE(watch->answered(alice, true, now));
}

TEST_F(a_watch, looks_again_at_a_friend_who_was_absent_at_first_since_a_return_within_the_grace_is_not_announced) {
  begin({{alice, false}, {bob, true}});
  EXPECT_TRUE(wait(times.patience));
  EXPECT_THAT(watch->take_due(now), ElementsAre(alice));
  EXPECT_TRUE(watch->answered(alice, true, now));
  EXPECT_FALSE(wait(10s));
}

TEST_F(a_watch, tells_news_that_the_client_had_no_room_for_when_it_has_room) {
  lose_alice_unheard();
  EXPECT_TRUE(wait(times.retry));
  EXPECT_THAT(watch->take_due(now), ElementsAre(alice));
  EXPECT_TRUE(watch->answered(alice, false, now));
  EXPECT_FALSE(wait(10s));
}

TEST_F(a_watch, forgets_news_that_the_client_had_no_room_for_when_they_are_not_true_any_more) {
  lose_alice_unheard();
  EXPECT_TRUE(wait(times.retry));
  watch->take_due(now);
  EXPECT_FALSE(watch->answered(alice, true, now));
}

TEST_F(a_watch, asks_again_when_redis_did_not_answer) {
  begin({{alice, true}});
  watch->announced("alice", false, now);
  now += times.batch;
  watch->put_off(watch->take_due(now), now);
  EXPECT_TRUE(wait(times.retry));
  EXPECT_THAT(watch->take_due(now), ElementsAre(alice));
  EXPECT_TRUE(watch->answered(alice, false, now)) << "it was announced";
}

TEST_F(a_watch, is_renewed_every_minute_and_loses_who_is_no_friend_any_more) {
  begin({{alice, true}, {bob, true}});
  EXPECT_FALSE(wait(times.renewal - 1ms));
  now += 1ms;
  EXPECT_TRUE(watch->renewal_due(now));
  watch->postpone_renewal(now);
  EXPECT_TRUE(wait(times.retry)) << "the directory did not answer";
  watch->renew(std::array{bob, carol}, now);
  EXPECT_THAT(watch->take_due(now), ElementsAre(bob));
  EXPECT_FALSE(watch->announced("alice", false, now));
  EXPECT_FALSE(watch->answered(alice, false, now));
  EXPECT_FALSE(watch->renewal_due(now + times.renewal - 1ms));
}
