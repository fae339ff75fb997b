// SPDX-License-Identifier: Apache-2.0
// How connections end in Redis. An end is tried until Redis has it, however long Redis is away: a user whose last
// connection closed meanwhile must not stay online. One per worker.
#pragma once
#include <functional>
#include <string>
#include <unordered_set>

#include "chat/bus/bus_message.hpp"
#include "chat/counters.hpp"
#include "chat/flows/data_losses.hpp"
#include "chat/flows/presence_flow.hpp"
#include "chat/requests/lane.hpp"
#include "chat/session.hpp"
#include "state/chat/store.hpp"

namespace hiky::chat {

class endings {
 public:
  endings(asio::any_io_executor executor, instance_id const& instance, state::store& store, data_losses const& losses,
          lane& heavy, presence_flow& presence, counters& count);

  // Takes the session's connection out of Redis. `heavy`: many messages go to its user's mail.
  void begin(session const& s, state::unsure_mail unsure = {}, bool heavy = false);
  // The same for a connection that Redis lists and no worker has. Later messages of its user's rooms go to the mailbox,
  // unless another connection of the user has them.
  task<> undo(connection_id connection, user_id user, std::int64_t since_ms);
  // The connection's end is on the way to Redis.
  bool contains(connection_id const& connection) const { return under_way_.contains(connection.str()); }
  std::size_t count() const { return under_way_.size(); }
  // Called when a user's last connection is gone from Redis.
  void on_offline(std::function<void()> handler) { offline_ = std::move(handler); }

  // Another session or instance wants this session to end: closes the session, if it is the one that is meant.
  void dismiss(session& s, notice::ending const& why);

 private:
  task<> run(state::connection_details ended, std::uint32_t asserted, bool known, state::unsure_mail unsure,
             bool heavy);
  task<result<void>> assert_first(state::connection_details const& ended, std::uint32_t& asserted,
                                  state::unsure_mail const& unsure);
  // `left`: the connections that its user has left, if Redis has taken the end.
  task<> tell(state::connection_details const& ended, result<std::int64_t> const& left);

  asio::any_io_executor ex_;
  instance_id const& instance_;
  state::store& store_;
  data_losses const& losses_;
  lane& heavy_;
  presence_flow& presence_;
  counters& count_;
  std::function<void()> offline_;
  std::unordered_multiset<std::string> under_way_;
};

}  // namespace hiky::chat
