// SPDX-License-Identifier: Apache-2.0
#include "chat/upkeep/connection_audit.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <set>

#include "state/chat/connection_lists.hpp"
#include "support/log_capture.hpp"
#include "support/scripted_redis.hpp"
#include "support/still_loop.hpp"

using namespace hiky;
using namespace std::chrono_literals;
using namespace support;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace {

class audit : public testing::Test {
 protected:
  audit() {
    redis.when("TIME").give(list("1000", "0"));
    redis.when("HSCAN").give(list("0", list()));
    client.start();
    loop.until([this] { return client.connected(); });
  }
  ~audit() override {
    client.stop();
    loop.settle();
  }
  void TearDown() override { EXPECT_THAT(redis.surprises(), IsEmpty()); }

  // Redis lists these as connections of alice.
  void lists(std::vector<std::string> const& ids) {
    std::vector<resp> all;
    for (auto const& each : ids) {
      all.push_back(text(each));
      all.push_back(text("alice"));
    }
    redis.when("HSCAN").give(list("0", list_of(all)));
    redis.when("HMGET").give(
        [](redis_call const& call) { return list_of(std::vector<resp>(call.args.size() - 1, text("alice"))); });
  }
  chat::connection_audit& make(std::vector<std::string> all = {}) {
    chat::connection_audit::effects on{
        .holds = [this](connection_id const& c, user_id const&) { return here.contains(c.str()); },
        .undo = [this](connection_id c, user_id u, std::int64_t since) { return undo(c, u, since); },
        .listed =
            [this](std::vector<connection_id> some) {
              known.clear();
              for (auto const& each : some) known.push_back(each.str());
            }};
    return audits.emplace_back(loop.executor(), connections, instance_id{"here"},
                               chat::connection_names{"w1.", std::move(all)}, 15s, 36s, std::move(on));
  }
  task<> undo(connection_id c, user_id u, std::int64_t since) {
    undone.push_back(fmt::format("{} {} {}", c.str(), u.str(), since));
    co_return;
  }

  still_loop loop;
  log_capture log;
  scripted_redis redis{loop.executor()};
  redis::client client{loop.executor(), redis.address()};
  state::connection_lists connections{client};
  std::set<std::string> here;
  std::vector<std::string> undone, known;
  std::deque<chat::connection_audit> audits;  // these outlive the tasks that they wait for
};

}  // namespace

TEST_F(audit, undoes_what_redis_lists_and_nobody_has) {
  auto& one = make();
  here = {"w1.a"};
  lists({"w1.a", "w1.b", "w2.c"});
  EXPECT_EQ(*loop.run(one.compare()), 1U);
  EXPECT_THAT(undone, ElementsAre("w1.b alice 949000")) << "since now, less a lease and the longest wait for a pong";
  EXPECT_THAT(known, ElementsAre("w1.a"));
  EXPECT_TRUE(redis.calls("HSCAN").back().has("w1.*")) << "Redis is not asked for connections of other workers";
}

TEST_F(audit, one_worker_looks_after_what_is_nobodys) {
  auto& one = make({"w1.", "w2."});
  lists({"w1.a", "w2.b", "old.c"});
  EXPECT_EQ(*loop.run(one.compare()), 2U);
  EXPECT_THAT(undone, ElementsAre(HasSubstr("w1.a"), HasSubstr("old.c")));
}

TEST_F(audit, messages_since_redis_and_we_agreed_may_be_mail) {
  auto& one = make();
  EXPECT_EQ(*loop.run(one.compare()), 0U);
  redis.when("TIME").give(list("2000", "0"));
  lists({"w1.b"});
  loop.run(one.compare());
  EXPECT_THAT(undone, ElementsAre("w1.b alice 964000"));
}

TEST_F(audit, a_connection_that_has_ended_meanwhile_is_not_undone) {
  auto& one = make();
  lists({"w1.a"});
  redis.when("HMGET").give(list(null()));
  EXPECT_EQ(*loop.run(one.compare()), 0U);
  EXPECT_THAT(undone, IsEmpty());
}

TEST_F(audit, reads_the_list_page_by_page) {
  auto& one = make();
  lists({"w1.b"});
  redis.when("HSCAN").once().give(list("17", list("w1.a", "bob")));
  EXPECT_EQ(*loop.run(one.compare()), 2U);
  EXPECT_EQ(redis.calls("HSCAN").back().args[1], "17");
}

TEST_F(audit, an_error_undoes_nothing) {
  auto& one = make();
  lists({"w1.a"});
  redis.when("HMGET").once().refuse(loading);
  EXPECT_FALSE(loop.run(one.compare()));
  redis.when("HSCAN").once().refuse(loading);
  EXPECT_FALSE(loop.run(one.compare()));
  EXPECT_THAT(undone, IsEmpty());
}

TEST_F(audit, compares_every_few_leases_and_when_asked_to) {
  auto& one = make();
  auto const running = loop.begin(one.run());
  EXPECT_EQ(redis.count("HSCAN"), 1U);
  loop.pass(59s);
  EXPECT_EQ(redis.count("HSCAN"), 1U);
  loop.pass(2s);
  EXPECT_EQ(redis.count("HSCAN"), 2U);
  one.ask();
  loop.settle();
  EXPECT_EQ(redis.count("HSCAN"), 3U);
  lists({"w1.a"});
  one.ask();
  loop.settle();
  EXPECT_THAT(log.lines("connections.undone"), ElementsAre(HasSubstr("connections=1")));
  redis.when("HSCAN").hold();
  one.ask();
  loop.settle();
  one.ask();  // while it compares: once more after that
  redis.release();
  loop.settle();
  EXPECT_EQ(redis.count("HSCAN"), 6U);
  redis.when("HSCAN").once().refuse(wrong_type);
  one.ask();
  loop.settle();
  EXPECT_THAT(log.lines("connections.not_compared"), ElementsAre(HasSubstr("WRONGTYPE")));
  loop.pass(600ms);
  EXPECT_EQ(redis.count("HSCAN"), 8U) << "a comparison that failed is tried again soon";
}
