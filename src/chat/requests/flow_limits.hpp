// SPDX-License-Identifier: Apache-2.0
// How much clients may ask for, and how much they get at a time.
#pragma once
#include <chrono>
#include <cstddef>

namespace hiky::chat {

struct flow_limits {
  std::size_t participants_shown = 1000;  // in joinedRoom; more say `truncated`
  std::size_t backlog = 256,
              backlog_bytes = 256 * 1024;  // requests of one connection that may wait; then it is not read from
  float messages_per_s = 20, message_burst = 60;
  float typing_per_s = 2, typing_burst = 4;
  float requests_per_s = 50, request_burst = 1000;  // all but messages
  float refusals_per_s = 5,
        refusal_burst = 200;  // requests whose refusal is the client's own doing; beyond that it is closed with 4429
  std::size_t rooms_per_connection = 512;
  std::size_t joined_messages = 200;  // that joinedRoom brings when asked `since`; `history` brings more
  std::chrono::milliseconds seen_every{10'000};  // between writes of `lastSeen`
  std::chrono::milliseconds session_check{
      10'000};  // in which each login of an application is looked at again; 0: at its end alone
  std::size_t replayed = 1200;  // messages of one room that a resume brings; the log keeps about as many
  std::size_t replayed_bytes =
      4 * 1024 * 1024;  // of one room; larger messages end it sooner, and the rest is there for `history`
  std::size_t resumed_bytes = 16 * 1024 * 1024;  // of all rooms of a resume
  std::size_t ending_bytes =
      16 * 1024 * 1024;  // requests of clients that have closed, on a worker; beyond that they are not carried out
  // These are kept by others, and told to clients.
  std::size_t frame = 64 * 1024, outbox = 1 << 20, connections_per_user = 16;
  std::chrono::milliseconds ping_every{25'000}, pong_within{10'000};
};

}  // namespace hiky::chat
