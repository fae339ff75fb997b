// SPDX-License-Identifier: Apache-2.0
// The inside of scripted_redis: rules, connections, and answers that need no rule. Only for scripted_redis*.cpp.
#pragma once
#include <boost/asio/local/stream_protocol.hpp>

#include <array>
#include <deque>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "support/scripted_redis.hpp"

namespace support {

namespace asio = boost::asio;
using local = asio::local::stream_protocol;

struct scripted_redis::rule::state {
  enum class effect : std::uint8_t { none, give, hold, cut };
  std::string name;
  call_matcher matcher;
  int left = -1;  // below 0: always
  effect what = effect::none;
  std::function<resp(redis_call const&)> make{};
};

// One client. Calls are answered in order, as Redis does; pushes keep their place among them.
struct scripted_redis::connection : std::enable_shared_from_this<scripted_redis::connection> {
  connection(core& of, local::socket s, int n) : all(&of), sock(std::move(s)), number_of(n) {}

  void read();
  void take(std::size_t size);
  void answer_all();
  // A push keeps its place: behind the answer that is being made, or behind all answers that wait.
  void say(std::string const& bytes) {
    if (answering) behind += bytes;
    else waiting.emplace_back(bytes);
  }
  void write();
  void close() {
    boost::system::error_code ignored;
    sock.close(ignored);
    open = false;
  }

  core* all;  // gone when `open` is false
  local::socket sock;
  int number_of, database = 0;
  std::array<char, 16 * 1024> buffer{};
  std::string in, out, behind, sending;
  std::deque<std::variant<redis_call, std::string>> waiting;  // calls, and pushes among them
  std::set<std::string, std::less<>> channels;
  bool open = true, held = false, ends = false, answering = false;
};

struct scripted_redis::core {
  explicit core(asio::any_io_executor ex);

  std::string path() const { return folder / "redis.sock"; }
  void listen();
  void accept();
  void stop_listening();
  void close_all() {
    for (auto const& c : std::exchange(clients, {})) c->close();
  }

  // The rule that counts for the call; nullptr for none.
  rule::state* find(redis_call const& call) const;
  int publish(std::string_view channel, std::string_view payload);
  // The answer that needs no rule. Any other call is a surprise.
  std::string answer_by_itself(connection& c, redis_call const& call);

  std::filesystem::path folder;
  local::acceptor acceptor;
  int last_number = 0, history = 1;
  std::vector<std::shared_ptr<connection>> clients;
  std::vector<std::shared_ptr<rule::state>> rules;
  std::vector<redis_call> asked;
  std::vector<std::string> surprises;
};

}  // namespace support
