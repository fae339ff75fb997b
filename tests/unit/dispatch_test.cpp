// SPDX-License-Identifier: Apache-2.0
// The checks that every request must pass before it is carried out.
#include "chat/requests/dispatch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/io_context.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

using namespace hiky;
using namespace hiky::chat;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

struct listening_session final : session {
  bool send(frame_ptr frame, traffic) override {
    heard.emplace_back(frame->payload());
    return true;
  }
  bool admits(traffic) override { return true; }
  void close(std::uint16_t code, std::string_view) override { closed_with = code; }
  void after_pong(std::function<void(bool)> done) override { done(true); }
  void after_flush(std::function<void(bool)> done) override { done(true); }
  void ask_receipt() override {}
  void read_more(bool) override {}
  void identified() override {}
  std::string remote_address() const override { return {}; }
  std::string_view user_agent() const override { return {}; }
  std::vector<std::string> heard;
  std::uint16_t closed_with = 0;
};

struct no_turns final : turn_owner {
  void perform(session_ptr, std::string_view, std::chrono::steady_clock::time_point) override {}
  bool is_known(session const&) const override { return true; }
  bool is_unsettled(session const&, bool) const override { return false; }
  task<> settle(session_ptr, bool) override { co_return; }
  void failed(session&, std::string_view) override {}
  void turn_ended(session&) override {}
  void closed(session&) override {}
};

class dispatching : public testing::Test, protected request_handler {
 protected:
  template <class Body>
  void note(asked const& a, Body const&, std::string_view name) {
    done.push_back(std::string{name} + (a.id ? ' ' + *a.id : std::string{}));
  }
  void handle(asked a, register_request r) override { note(a, r, "register"); }
  void handle(asked a, join_room r) override { note(a, r, "join " + r.room.str()); }
  void handle(asked a, leave_room r) override { note(a, r, "leave " + r.room.str()); }
  void handle(asked a, send_message r) override { note(a, r, "message " + r.content); }
  void handle(asked a, set_typing r) override { note(a, r, "typing"); }
  void handle(asked a, get_online_status r) override { note(a, r, "status"); }
  void handle(asked a, get_history r) override { note(a, r, "history"); }
  void handle(asked a, offline_ack r) override { note(a, r, "ack"); }
  void handle(asked a, refresh_identity r) override { note(a, r, "refresh"); }
  void handle(asked a, ping r) override { note(a, r, "ping"); }
  void handle(asked a, get_participants r) override { note(a, r, "participants"); }
  void handle(asked a, watch_presence r) override { note(a, r, "watch"); }

  void say(std::string_view text) { to.perform(s, text, {}); }
  // The code and id of the last error.
  std::string refusal() {
    if (s->heard.empty()) return {};
    auto const frame = parse_json(s->heard.back());
    auto const& members = frame->get_object();
    auto const* id = members.if_contains("id");
    return std::string{members.at("code").get_string()} + (id ? ' ' + std::string{id->get_string()} : std::string{});
  }
  void is_registered() {
    s->user = user_id{"alice"};
    s->registered = true;
  }

  asio::io_context io;
  counters count;
  flow_limits limits{.refusals_per_s = 0.001F, .refusal_burst = 3};
  user_rates rates{user_rates::limits{{{0.001F, 2}, {0.001F, 3}, {0.001F, 3}, {0, 0}, {0, 0}}}};
  no_turns none;
  turns turn{io.get_executor(), none, limits, count};
  answers out{turn, rates, limits, count};
  dispatch to{*this, out, rates, limits, count};
  boost::intrusive_ptr<listening_session> s{new listening_session};
  std::vector<std::string> done;
};

}  // namespace

TEST_F(dispatching, a_frame_that_is_no_request_is_refused) {
  say("[]");
  EXPECT_EQ(refusal(), "bad_json");
  EXPECT_THAT(done, IsEmpty());
}

TEST_F(dispatching, only_register_and_ping_come_before_a_register) {
  say(R"({"type":"ping"})");
  say(R"({"type":"register","id":"1","userId":"alice"})");
  EXPECT_THAT(done, ElementsAre("ping", "register 1"));
  say(R"({"type":"joinRoom","id":"2","roomId":"tea"})");
  EXPECT_EQ(refusal(), "not_registered 2");
}

TEST_F(dispatching, a_request_in_the_name_of_another_user_is_refused) {
  is_registered();
  say(R"({"type":"leaveRoom","id":"1","roomId":"tea","userId":"bob"})");
  EXPECT_EQ(refusal(), "forbidden 1");
  say(R"({"type":"leaveRoom","id":"2","roomId":"tea","userId":"alice"})");
  EXPECT_THAT(done, ElementsAre("leave tea 2"));
}

TEST_F(dispatching, a_request_for_a_room_that_the_token_does_not_name_is_refused) {
  is_registered();
  s->grant = std::make_unique<auth::grant>(auth::grant{.rooms = {{"tea"}}});
  say(R"({"type":"message","id":"1","roomId":"chess","content":"hi"})");
  EXPECT_EQ(refusal(), "forbidden 1");
  say(R"({"type":"message","id":"2","roomId":"tea","content":"hi"})");
  EXPECT_THAT(done, ElementsAre("message \"hi\" 2"));
}

TEST_F(dispatching, messages_have_a_rate_of_their_own) {
  is_registered();
  for (int i = 0; i < 3; ++i) say(R"({"type":"message","id":"m","roomId":"tea","content":1})");
  EXPECT_EQ(refusal(), "rate_limited m");
  EXPECT_THAT(done, ElementsAre("message 1 m", "message 1 m"));
  EXPECT_EQ(count.messages_in.get(), 3u);
  say(R"({"type":"history","id":"h","roomId":"tea"})");
  EXPECT_THAT(done.back(), "history h");
}

TEST_F(dispatching, to_check_a_token_costs_as_much_as_a_message) {
  is_registered();
  for (int i = 0; i < 3; ++i) say(R"({"type":"refresh","id":"r","token":"t"})");
  EXPECT_EQ(refusal(), "rate_limited r");
  EXPECT_THAT(done, ElementsAre("refresh r", "refresh r"));
}

TEST_F(dispatching, a_hint_beyond_the_rate_gets_no_answer) {
  is_registered();
  for (int i = 0; i < 4; ++i) say(R"({"type":"typing","roomId":"tea","isTyping":true})");
  EXPECT_THAT(done, ElementsAre("typing", "typing", "typing"));
  EXPECT_THAT(s->heard, IsEmpty());
}

TEST_F(dispatching, a_client_that_is_refused_again_and_again_is_closed) {
  for (int i = 0; i < 3; ++i) say("[]");
  EXPECT_EQ(s->closed_with, 0);
  say("[]");
  EXPECT_EQ(s->closed_with, close_flooding);
}
