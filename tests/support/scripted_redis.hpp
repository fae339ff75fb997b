// SPDX-License-Identifier: Apache-2.0
// A Redis that gives the answers of the test, in this process, on a UNIX socket and the test's own event loop: events
// happen only in the order that the test gives. It speaks RESP3 and knows no data: a command or script (`join.lua`)
// that the test has not answered is refused, and named by `surprises`. It answers the commands by itself that begin a
// connection (HELLO, SELECT, PING, INFO, CLIENT, SCRIPT LOAD), and pub/sub.
//
//   redis.when("join.lua").give(list(2, 1000, "alice", "bob"));          // from now on
//   redis.when("join.lua", has("tea")).once().refuse("OOM no memory");   // the next one that names tea
//   redis.when("publish.lua").hold();          // no answer, nor to what comes behind it; release() ends that
//   redis.when("leave.lua").once().cut();      // the connection is lost in its place
//   redis.publish("ws:1:room:tea", "t bob\n{}");
//   redis.calls("join.lua").back().args        // what was asked
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/async.hpp"
#include "redis/address.hpp"
#include "support/resp.hpp"

namespace support {

class scripted_redis {
 public:
  explicit scripted_redis(hiky::asio::any_io_executor executor);
  ~scripted_redis();
  scripted_redis(scripted_redis const&) = delete;
  scripted_redis& operator=(scripted_redis const&) = delete;

  hiky::redis::address address(int database = 1) const;

  // The outcome of calls. The latest rule that matches counts. When it is used up, the rule before it counts again.
  class rule {
   public:
    rule& times(int n);  // for the next `n` calls
    rule& once() { return times(1); }
    void give(resp reply);
    void give(std::function<resp(redis_call const&)> make);
    void refuse(std::string what) { give(refusal(what)); }
    void hold();
    void cut();

    struct state;

   private:
    friend class scripted_redis;
    explicit rule(std::shared_ptr<state> s) : state_(std::move(s)) {}
    std::shared_ptr<state> state_;
  };
  // The rule is complete with one of give, refuse, hold and cut.
  rule when(std::string name, call_matcher matcher = {});

  // Answers the held calls, by the rules of now.
  void release();
  // Ends all connections; the next ones are let in.
  void cut();
  // Ends all connections, and lets none in before up().
  void down();
  void up();
  // Data of another history from the next login on: Redis was started anew, or a replica is the master.
  void change_history();

  // A push to all who have subscribed the channel; gives how many they are.
  int publish(std::string_view channel, std::string_view payload);
  // Channels that have a subscriber, sorted.
  std::vector<std::string> subscribed() const;
  int connections() const;  // now open

  // The calls since the beginning or forget(), in order. names() leaves out the greeting of a connection.
  std::vector<redis_call> calls(std::string_view name) const;
  std::vector<std::string> names() const;
  std::size_t count(std::string_view name) const { return calls(name).size(); }
  void forget();
  // Calls that no rule was for, in words: a test expects none.
  std::vector<std::string> surprises() const;

 private:
  struct connection;
  struct core;
  std::shared_ptr<core> core_;
};

}  // namespace support
