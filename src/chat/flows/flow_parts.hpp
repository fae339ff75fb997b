// SPDX-License-Identifier: Apache-2.0
// The parts of `flows` on one worker, and which part needs which: each part is given parts that stand above it. Only
// for flows.
#pragma once
#include "chat/flows/announced_entries.hpp"
#include "chat/flows/assertions.hpp"
#include "chat/flows/bus_news.hpp"
#include "chat/flows/comparison.hpp"
#include "chat/flows/history_flow.hpp"
#include "chat/flows/identity_flow.hpp"
#include "chat/flows/late_entry.hpp"
#include "chat/flows/message_flow.hpp"
#include "chat/flows/receipt_rounds.hpp"
#include "chat/flows/register_flow.hpp"
#include "chat/flows/room_flow.hpp"
#include "chat/flows/typing_flow.hpp"
#include "chat/requests/dispatch.hpp"
#include "chat/upkeep/activity.hpp"

namespace hiky::chat {

struct flow_parts final : turn_owner, request_handler {
  flow_parts(asio::any_io_executor executor, std::size_t worker, instance_id instance, state::store& store,
             directory::directory& people, auth::authenticator& gate, room_policy& door, bus& channel,
             user_rates& rates, counters& count, flow_limits limits);

  // Of turns.
  void perform(session_ptr s, std::string_view text, std::chrono::steady_clock::time_point came) override;
  bool is_known(session const& s) const override;
  bool is_unsettled(session const& s, bool was_known) const override;
  task<> settle(session_ptr s, bool was_known) override;
  void failed(session& s, std::string_view reason) override;
  void turn_ended(session& s) override;
  void closed(session& s) override;

  // Of requests.
  void handle(asked a, register_request r) override;
  void handle(asked a, join_room r) override;
  void handle(asked a, leave_room r) override;
  void handle(asked a, send_message r) override;
  void handle(asked a, set_typing r) override;
  void handle(asked a, get_online_status r) override;
  void handle(asked a, get_history r) override;
  void handle(asked a, offline_ack r) override;
  void handle(asked a, refresh_identity r) override;
  void handle(asked a, ping r) override;
  void handle(asked a, get_participants r) override;
  void handle(asked a, watch_presence r) override;
  // False when the session is not in the room. Then the client has got the error.
  bool is_in(asked& a, room_id const& room);

  asio::any_io_executor ex;
  instance_id const instance;
  counters& count;
  flow_limits const limits;
  user_rates& rates;
  hub here;
  data_losses losses;
  // The lane of work that keeps Redis busy for longer than an ordinary request: messages into many mailboxes, and many
  // messages into one.
  lane heavy;

  turns turn;
  answers out;
  activity active;
  expiries expiry;
  logins login;
  watches watch;
  returns back;

  presence_flow presence;
  endings ends;
  subscriptions heard;
  recoveries logs;
  replay resent;
  doubts doubtful;
  announced_entries entered;
  mail_flow mail;
  assertions asserted;
  late_entry late;
  comparison compared;
  session_audit audit;
  identity_flow identity;
  going_online online;
  register_flow registration;
  typing_flow typing;
  room_flow rooms;
  history_flow history;
  message_flow messages;
  bus_news news;
  receipt_rounds receipts;
  dispatch dispatcher;
};

}  // namespace hiky::chat
