// SPDX-License-Identifier: Apache-2.0
// The conversation with one Redis server, without a socket: requests become bytes, bytes become replies, in order.
// Knows pipelining, deadlines and pushes. Refuses to know how bytes travel (`wire`) or when to reconnect
// (`connection`).
#pragma once
#include <boost/asio/any_completion_handler.hpp>
#include <boost/redis/resp3/parser.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "redis/reply.hpp"
#include "redis/request.hpp"

namespace hiky::redis {

class exchange {
 public:
  using clock = std::chrono::steady_clock;
  using done = boost::asio::any_completion_handler<void(result<reply>)>;
  using push_handler = std::function<void(std::span<node const>)>;

  // More bytes or requests than these may not wait for Redis: new requests are refused as overloaded.
  static constexpr std::size_t max_unsent = 64u << 20;
  static constexpr std::size_t max_waiting = 1u << 20;

  // Queues `r`. `then` is called exactly once, from commit, expire or abandon, never from here.
  // overloaded, or invalid_argument for no command at all: nothing was queued, and `then` was not touched.
  result<void> submit(request const& r, clock::time_point deadline, done& then);
  // Queues SUBSCRIBE or UNSUBSCRIBE, which Redis answers with a push for each channel. They wait in the queue like all
  // others: a refusal is an ordinary answer, which the next request would take for its own.
  void submit_silent(request const& r, clock::time_point deadline);

  // The bytes to send next, valid until something else is called. sent() takes off the front the bytes that have been
  // sent.
  std::string_view output();
  void sent(std::size_t size) { sent_ += size; }

  // Room for at least `least` bytes of input, to be filled and committed.
  std::span<char> prepare(std::size_t least);
  // Handles `size` received bytes: completes the requests that they answer, hands out pushes. An error means the stream
  // is broken for good, or of no more use: server_error when Redis refused a subscription.
  result<void> commit(std::size_t size);

  // Answers every request whose deadline has passed with timeout; its reply is dropped when it comes.
  void expire(clock::time_point now);
  std::optional<clock::time_point> oldest_deadline() const;
  bool idle() const { return waiting_.empty(); }

  // The connection is gone: answers everything with `why` and starts afresh. Bytes that were not sent never
  // are: on the next connection the rest of a request would be read as commands.
  void abandon(error const& why);

  void on_push(push_handler handler) { push_ = std::move(handler); }
  // Called with the deadline of each request whose answer is complete.
  void on_answer(std::function<void(clock::time_point)> handler) { answered_ = std::move(handler); }

 private:
  struct entry {
    done then;  // empty once answered by expire
    std::size_t missing;  // answers; confirmations, if `silent`
    clock::time_point deadline;
    reply answer{};
    bool silent = false;
  };

  void complete_front();
  input_buffer take_input();
  result<void> deliver(std::size_t length);
  result<void> confirm();

  std::string out_, sending_;  // queued, and on its way
  std::size_t sent_ = 0;  // of `sending_`
  std::deque<entry> waiting_;
  input_buffer in_;
  std::size_t in_size_ = 0, begin_ = 0, end_ = 0;
  boost::redis::resp3::parser parser_;
  struct piece {
    boost::redis::resp3::type type;
    std::size_t aggregate_size, depth, offset, size;
  };
  std::vector<piece> pieces_;  // of the message being read; offsets from begin_, since the buffer may move
  std::vector<node> message_;
  push_handler push_;
  std::function<void(clock::time_point)> answered_;
};

}  // namespace hiky::redis
