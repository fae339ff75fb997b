// SPDX-License-Identifier: Apache-2.0
// The work of a worker, counted without locks: written by the worker's own thread, read when metrics are asked for.
#pragma once
#include <array>

#include "auth/counters.hpp"
#include "base/counter.hpp"
#include "base/histogram.hpp"

namespace hiky::chat {

enum class rate_limit : std::uint8_t { messages, typing, requests };
enum class room_judgement : std::uint8_t { allowed, refused, unjudged };

struct counters {
  counter connections, registered_connections;                    // now
  counter outbox_bytes;                                           // now
  std::array<counter, 16>
      received;  // by what was asked: the request's place in chat::request::body, and behind them what is no request
  std::array<counter, 16> refused;  // by chat::error_code
  std::array<counter, 3> rate_limited;  // by rate_limit
  std::array<counter, 24> sent;  // by frame_types: handed to connections
  std::array<counter, 3> shed;  // by chat::traffic
  histogram publish;  // from a message's arrival to Redis's answer
  histogram delivery;  // from a message's arrival to the kernel's having it for all receivers of a worker
  histogram fanout;  // from a read of what Redis published to the kernel's having it, once per batch
  histogram api;  // from an API request's arrival to its answer
  std::array<counter, 6> api_answers;  // by the first digit of the status
  counter api_requests_refused, api_guesses_refused;  // for the rate of a key; for an address's wrong keys

  counter accepted, registers, frames_in, messages_in, messages_published;
  counter bytes_sent, slow_closed, offline_delivered, typing_in;
  counter deflated, inflated,
      saved_bytes;  // frames made smaller, once for all receivers; messages that came compressed; by each delivery
  counter proxy_refused, tls_failed, flooding_closed, unregistered_closed, silent_dropped;
  counter rests, full_backlogs,
      excess_pings;  // not read for a moment, for what it wants or how much of it; pings left unanswered
  counter slowed_inflations;  // not read for a moment, for what came out of its compressed messages
  counter rooms_limited,
      participants_truncated;  // joins refused, or answered with some participants, since there are too many
  counter unrecovered, offline_dropped;  // rooms that did not come back whole; messages that a full mailbox had lost
  std::array<counter, 5> violations;  // by gateway::violations
  std::array<counter, 5> unread_requests;  // by gateway::no_request
  counter delayed_pages, refused_pages, requests_dropped;  // dropped: of clients that had closed
  counter undone;  // connections that Redis listed and nobody had
  counter kicked, replaced, banned;  // connections ended for others' reasons; registers of banned users
  auth::counters identity;
  counter origins_refused, expired, logged_out;
  std::array<counter, 3> room_entries;  // by room_judgement
  histogram room_hook;  // from a question to the application's answer
  counter room_hook_cached;  // answers that came from the cache instead
  counter room_hook_delayed;  // questions that waited, since their user asks too many
};

}  // namespace hiky::chat
