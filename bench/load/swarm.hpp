// SPDX-License-Identifier: Apache-2.0
// Thousands of WebSocket clients on one thread and one epoll. Opens the clients, lets them send, and hands over the
// frames that they receive. Knows a server only through its dialect, and nothing of scenarios or figures.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "clock.hpp"
#include "dialect.hpp"
#include "endpoint.hpp"
#include "frame.hpp"
#include "latency.hpp"
#include "unpack.hpp"

namespace hiky::load {

struct place {
  std::string user, room;
};

class swarm {
 public:
  swarm(endpoint to, dialect const& speech);
  ~swarm();
  swarm(swarm const&) = delete;
  swarm& operator=(swarm const&) = delete;

  // Adds `count` members, member i at where(i), at most `in_flight` of them not yet in their room at any time.
  // True once all are in; false after the first fault or at `until` (monotonic ns), with the reason in first_fault().
  bool open(std::size_t count, std::function<place(std::size_t)> const& where, std::size_t in_flight,
            std::int64_t until);

  // Takes a connected socket on which the server's frames arrive without any handshake.
  void adopt(int fd);

  void say(std::size_t member, std::string_view content);
  // Close frame, then close. The last members go too when the swarm ends.
  void leave(std::size_t first, std::size_t count);

  // Handles one batch of ready sockets; sleeps until `until` at the longest.
  void step(std::int64_t until);

  template <class Done>
  bool run(std::int64_t until, Done done);

  std::size_t size() const { return members_.size(); }
  latency const& setup() const { return setup_; }
  std::uint64_t faults() const { return faults_; }
  std::string const& first_fault() const { return first_fault_; }

  // `text` lives as long as the call.
  std::function<void(std::size_t member, std::string_view text)> on_delivery;

 private:
  enum class stage : std::uint8_t { connecting, upgrading, greeting, joining, ready, gone };
  struct member {
    int fd = -1;
    stage at = stage::connecting;
    std::int64_t started = 0;
    place where;
    std::string unread;  // start of a frame whose end has not come yet
    std::string unsent;  // bytes that the socket did not take
  };

  bool begin(place where);
  void handle(std::size_t index, std::uint32_t events);
  void read(std::size_t index);
  std::size_t consume(std::size_t index, std::string_view bytes);
  void take_frame(std::size_t index, frame_head const& head, std::string_view payload);
  void take_frame_text(std::size_t index, std::string_view text);
  void take_text(std::size_t index, std::string_view text);
  void advance(member& one);
  void send(member& one, std::uint8_t code, std::string_view payload);
  void flush(member& one);
  void drop(member& one);
  void fault(std::string text);
  void fault(std::size_t index, std::string_view what);

  endpoint to_;
  dialect const& speech_;
  int epoll_;
  std::vector<member> members_;
  std::vector<char> buffer_;
  unpacker unpack_;
  std::size_t waiting_ = 0;  // members on their way into their room
  latency setup_;
  std::uint64_t faults_ = 0;
  std::string first_fault_;
};

// Steps until done() or `until`; says which of the two.
template <class Done>
bool swarm::run(std::int64_t until, Done done) {
  while (!done()) {
    if (now_ns() >= until) return false;
    step(until);
  }
  return true;
}

}  // namespace hiky::load
