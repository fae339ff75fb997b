// SPDX-License-Identifier: Apache-2.0
// The answers of a Redis in good health to the chat's scripts: a memory of rooms, connections, mail and messages. It
// does as much of the scripts' work as a story needs. A test that needs another answer gives a rule of its own.
#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/scripted_redis.hpp"

namespace support {

class chat_data {
 public:
  explicit chat_data(scripted_redis& redis);

  std::int64_t now_ms = 1'000'000;  // Redis TIME
  std::map<std::string, std::set<std::string>> rooms;  // of a user who belongs to them
  std::map<std::string, std::set<std::string>> connections;  // of a user who is online
  std::map<std::string, std::vector<std::string>> mail;  // of a user, newest first
  std::map<std::string, std::vector<std::string>> in_flight;  // mail that a connection has claimed, newest first
  std::map<std::string, std::string> last_seen;  // of a user
  std::map<std::string, std::int64_t> kick;  // number of a user's latest
  std::map<std::string, std::int64_t> kept_out;  // seconds
  bool knows_lease = true;  // of our instance; false: the rooms that a connection names count
  std::set<std::string> returning;  // users whose absence was not announced yet
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> listed;  // of an instance: connection, user

  struct said {
    std::uint64_t seq;
    std::string frame, connection;
  };
  struct log {
    std::string epoch = "e";
    std::uint64_t newest = 0;
    std::vector<said> kept{};
  };
  std::map<std::string, log> logs;  // of rooms with messages

  // Keeps a message of `sender` in the room's log, and gives its frame. Does not publish the message.
  std::string keep(std::string const& room, std::string const& sender, std::string_view content,
                   std::string const& connection = "elsewhere");
  // The same, and publishes it.
  std::string say(std::string const& room, std::string const& sender, std::string_view content,
                  std::string const& connection = "elsewhere");

 private:
  void answer_connections();
  void answer_rooms();
  void answer_messages();
  void answer_commands();
  std::vector<std::string> people_in(std::string const& room) const;
  resp head(std::string const& room) const;
  resp publish(redis_call const& call);
  resp page(redis_call const& call) const;

  scripted_redis& redis_;
};

// The text behind the last colon of a key of ours.
std::string id_in(std::string const& key);

}  // namespace support
