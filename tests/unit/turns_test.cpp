// SPDX-License-Identifier: Apache-2.0
// One request of a session at a time, without Redis: each request here is done when the test says so.
#include "chat/requests/turns.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <stdexcept>
#include <string>
#include <vector>

using namespace hiky;
using namespace hiky::chat;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

struct quiet_session final : session {
  explicit quiet_session(std::string name) { id = connection_id{std::move(name)}; }
  bool send(frame_ptr, traffic) override { return true; }
  bool admits(traffic) override { return true; }
  void close(std::uint16_t, std::string_view) override {}
  void after_pong(std::function<void(bool)> done) override { done(true); }
  void after_flush(std::function<void(bool)> done) override { done(true); }
  void ask_receipt() override {}
  void read_more(bool wanted) override { is_read = wanted; }
  void identified() override {}
  std::string remote_address() const override { return {}; }
  std::string_view user_agent() const override { return {}; }
  bool is_read = true;
};

class taking_turns : public testing::Test, protected turn_owner {
 protected:
  // Each frame takes a turn, until `finish`; "hint" takes none, and "bug" throws.
  void perform(session_ptr by, std::string_view text, std::chrono::steady_clock::time_point) override {
    done.emplace_back(text);
    if (text != "hint") turn.run(by, work(std::string{text}));
  }
  bool is_known(session const&) const override { return true; }
  bool is_unsettled(session const&, bool) const override { return unsettled; }
  task<> settle(session_ptr, bool) override {
    done.emplace_back("settled");
    unsettled = false;
    co_return;
  }
  void failed(session&, std::string_view reason) override { done.emplace_back(reason); }
  void turn_ended(session&) override {}
  void closed(session& who) override {
    who.gone = true;
    if (!turn.puts_off_end(who)) done.emplace_back("closed");
  }

  task<> work(std::string text) {
    asio::steady_timer& pause = pauses.emplace_back(io, asio::steady_timer::time_point::max());
    boost::system::error_code ec;
    co_await pause.async_wait(asio::redirect_error(use_task, ec));
    if (text == "bug") throw std::runtime_error{"a bug"};
  }

  void say(std::string_view text) {
    turn.receive(*s, text, {});
    run();
  }
  // The request under way is done.
  void finish() {
    for (auto& pause : pauses) pause.cancel();
    run();
    if (!pauses.empty()) pauses.pop_front();
  }
  void run() {
    io.restart();
    io.poll();
  }
  std::vector<std::string> take() { return std::exchange(done, {}); }

  asio::io_context io;
  std::deque<asio::steady_timer> pauses;
  counters count;
  flow_limits limits{.backlog = 4, .backlog_bytes = 1000, .ending_bytes = 20};
  turns turn{io.get_executor(), *this, limits, count};
  boost::intrusive_ptr<quiet_session> s{new quiet_session{"c1"}};
  std::vector<std::string> done;
  bool unsettled = false;
};

}  // namespace

TEST_F(taking_turns, a_request_waits_for_the_one_before) {
  say("one");
  say("two");
  say("hint");
  EXPECT_THAT(take(), ElementsAre("one"));
  EXPECT_TRUE(s->turn->pending());
  finish();
  EXPECT_THAT(take(), ElementsAre("two"));
  finish();
  EXPECT_THAT(take(), ElementsAre("hint"));
  EXPECT_FALSE(s->turn->pending());
}

TEST_F(taking_turns, sessions_do_not_wait_for_one_another) {
  boost::intrusive_ptr<quiet_session> const other{new quiet_session{"c2"}};
  say("one");
  turn.receive(*other, "other", {});
  EXPECT_THAT(take(), ElementsAre("one", "other"));
  finish();
}

TEST_F(taking_turns, a_full_backlog_stops_the_reading_until_half_of_it_is_done) {
  for (auto const* text : {"1", "2", "3", "4"}) say(text);
  EXPECT_TRUE(s->is_read);
  say("5");
  EXPECT_FALSE(s->is_read);
  finish();
  EXPECT_FALSE(s->is_read);  // three wait
  finish();
  EXPECT_TRUE(s->is_read);
  EXPECT_THAT(take(), ElementsAre("1", "2", "3"));
  finish();
  finish();
  finish();
  EXPECT_EQ(count.full_backlogs.get(), 1u);
}

TEST_F(taking_turns, few_large_requests_fill_the_backlog_too) {
  say("1");
  say(std::string(1000, 'x'));
  EXPECT_FALSE(s->is_read);
  finish();
  EXPECT_TRUE(s->is_read);
  finish();
}

TEST_F(taking_turns, a_session_is_settled_before_its_next_request) {
  say("one");
  say("two");
  unsettled = true;
  finish();
  EXPECT_THAT(take(), ElementsAre("one", "settled", "two"));
  finish();
}

TEST_F(taking_turns, settling_takes_a_turn_of_its_own_where_none_is_under_way) {
  unsettled = true;
  turn.settle(*s);
  run();
  EXPECT_THAT(take(), ElementsAre("settled"));
}

TEST_F(taking_turns, a_request_that_throws_ends_alone) {
  say("bug");
  say("two");
  finish();
  EXPECT_THAT(take(), ElementsAre("bug", "a bug", "two"));
  finish();
}

TEST_F(taking_turns, the_end_comes_behind_what_was_asked_for_before) {
  say("one");
  say("two");
  closed(*s);
  EXPECT_EQ(turn.ends_waiting(), 1u);
  finish();
  EXPECT_THAT(take(), ElementsAre("one", "two"));
  finish();
  EXPECT_THAT(take(), ElementsAre("closed"));
  EXPECT_EQ(turn.ends_waiting(), 0u);
}

TEST_F(taking_turns, a_session_without_a_request_ends_at_once) {
  closed(*s);
  EXPECT_THAT(take(), ElementsAre("closed"));
}

TEST_F(taking_turns, requests_of_closed_clients_beyond_the_limit_are_dropped) {
  boost::intrusive_ptr<quiet_session> const other{new quiet_session{"c2"}};
  say("one");
  say(std::string(15, 'x'));
  turn.receive(*other, "other", {});
  turn.receive(*other, std::string(15, 'y'), {});
  closed(*s);
  closed(*other);
  EXPECT_EQ(count.requests_dropped.get(), 1u);
  take();
  finish();
  finish();
  EXPECT_THAT(take(), ElementsAre(std::string(15, 'x'), "closed", "closed"));
}

TEST_F(taking_turns, nothing_more_is_done_for_a_session_that_is_ended_from_here) {
  say("one");
  say("two");
  turns::drop_backlog(*s);
  take();
  finish();
  EXPECT_THAT(take(), IsEmpty());
  EXPECT_TRUE(s->is_read);
}

TEST_F(taking_turns, a_session_at_rest_is_not_read) {
  turn.rest(*s);
  run();
  EXPECT_FALSE(s->is_read);
  say("waits");
  EXPECT_THAT(take(), IsEmpty());
  io.restart();
  io.run_for(150ms);
  EXPECT_THAT(take(), ElementsAre("waits"));
  EXPECT_TRUE(s->is_read);
  finish();
}
