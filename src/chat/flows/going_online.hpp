// SPDX-License-Identifier: Apache-2.0
// The part of a register that Redis sees: the session is subscribed to its user's rooms, and the user becomes visible.
// Two round trips, however many rooms there are. One per worker.
#pragma once
#include <cstdint>
#include <vector>

#include "chat/flows/data_losses.hpp"
#include "chat/flows/subscriptions.hpp"
#include "chat/hub.hpp"
#include "chat/session.hpp"
#include "chat/upkeep/returns.hpp"
#include "directory/directory.hpp"
#include "state/chat/store.hpp"

namespace hiky::chat {

class going_online {
 public:
  going_online(instance_id const& instance, state::store& store, directory::directory& people, hub& here,
               subscriptions& heard, data_losses const& losses, returns& back);

  // `who` becomes the entry of the directory. After an error Redis has perhaps made the user online all the same.
  task<result<state::connected>> go(session_ptr s, directory::entry& who);

 private:
  // The rooms of the user, as they were before it was online.
  struct rooms_before {
    std::vector<room_id> of_directory{};
    std::vector<room_id> all{};
    std::vector<room_id> fresh{};              // to which nobody here is subscribed
    std::vector<state::message_place> places{};  // the places of these rooms
    bool known_to_redis = false;               // all rooms are
    std::int64_t now_ms = 0, newest_ms = 0;  // as in state::user_places
  };
  rooms_before sort(session const& s, directory::entry const& who, state::user_places known) const;
  task<result<state::connected>> add(session_ptr s, rooms_before const& before);
  task<result<state::connected>> add_subscribed(session_ptr s, rooms_before const& before);
  // At the same time. `heard_late`: the user belonged to the rooms before the subscriptions held, so news of a removal
  // may have been missed.
  task<result<state::connected>> add_while_subscribing(session_ptr s, rooms_before const& before, bool& heard_late);

  instance_id const& instance_;
  state::store& store_;
  directory::directory& people_;
  hub& hub_;
  subscriptions& subscriptions_;
  data_losses const& losses_;
  returns& returns_;
};

}  // namespace hiky::chat
