// SPDX-License-Identifier: Apache-2.0
// One worker's chat without sockets: clients say frames and hear frames, Redis is scripted, and time stands. The only
// place of the tests that knows how a session is made, how a frame comes in, and how frames go out.
//
//   auto& alice = arrives("alice", {"tea"});
//   alice.says(R"({"type":"message","roomId":"tea","content":"hi"})");
//   EXPECT_THAT(bob.hears(), ElementsAre(HasSubstr("\"hi\"")));
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "chat/bus/bus.hpp"
#include "chat/counters.hpp"
#include "chat/flows/flows.hpp"
#include "chat/room_policy.hpp"
#include "chat/user_rates.hpp"
#include "redis/client.hpp"
#include "state/chat/store.hpp"
#include "support/chat_data.hpp"
#include "support/chat_people.hpp"
#include "support/log_capture.hpp"
#include "support/scripted_redis.hpp"
#include "support/still_loop.hpp"

namespace support {

struct chat_settings {
  hiky::chat::flow_limits limits{};
  hiky::chat::room_policy_settings rooms{};
  std::chrono::milliseconds grace{5'000};
};

class chat_stage;

class chat_client {
 public:
  ~chat_client();

  // Sends one text frame to the server. All its effects have come when this returns.
  void says(std::string_view frame);
  // All frames since the last time, as JSON.
  std::vector<std::string> hears();
  // The only one of these frames that has this type; throws if there is none, or more than one. Other frames are
  // forgotten.
  std::string hears_one(std::string_view type);

  bool is_open() const;
  int closed_with() const;  // 0: it is open
  std::string reason() const;
  // The socket closes.
  void leaves();

  // Answers all pings.
  void pongs();
  int pings() const;  // that wait for a pong
  void takes(bool frames);  // false: frames stay in the outbox
  void has_room(bool for_hints);  // false: hints are left out
  bool is_listened_to() const;  // the server reads from it
  bool is_identified() const;

  hiky::chat::session& session();

 private:
  friend class chat_stage;
  class link;
  chat_client(chat_stage& stage, std::string connection);
  chat_stage& stage_;
  boost::intrusive_ptr<link> link_;
};

class chat_stage {
 public:
  explicit chat_stage(chat_settings settings = {});
  ~chat_stage();

  // A client whose handshake is done, with a connection id (c1, c2, … unless given).
  chat_client& connects(std::string id = {});
  // The same, and the client has said this frame.
  chat_client& says_first(std::string_view frame);
  // The same, and the frame was a register as `user`. `how`: further members of register.
  chat_client& registers(std::string const& user, std::string_view how = {});
  // The same, and the client has heard the answer. The user belongs to these rooms.
  chat_client& arrives(std::string const& user, std::set<std::string> const& rooms = {}, std::string_view how = {});
  // Redis and the chat do everything that needs no time.
  void settle() { loop.settle(); }
  void pass(std::chrono::milliseconds length) { loop.pass(length); }

  still_loop loop;
  log_capture log;
  scripted_redis redis{loop.executor()};
  chat_data data{redis};
  known_people people;
  token_gate gate;
  hiky::chat::counters count;
  std::vector<std::chrono::steady_clock::time_point> arrivals;  // of delivered messages

  hiky::redis::client connection;
  hiky::state::store store;
  hiky::chat::user_rates rates;
  hiky::chat::room_policy door;
  hiky::chat::bus bus;
  hiky::chat::flows flows;

 private:
  std::deque<std::unique_ptr<chat_client>> clients_;
};

// For TEST_F. A call without a rule, and an exception of a coroutine, fail the test.
class chat_story : public testing::Test, protected chat_stage {
 protected:
  explicit chat_story(chat_settings settings = {}) : chat_stage(std::move(settings)) {}
  void TearDown() override;
};

// The same, for stories of mail that waits for alice.
class mail_story : public chat_story {
 protected:
  static std::string letter(int n, std::string_view room = "tea");
  // Letters first to last wait, as Redis has them: newest first.
  void waits(int first, int last);
  // The frame that brings `n` letters.
  static std::string frame(std::string_view letters, int n);
};

}  // namespace support
