// SPDX-License-Identifier: Apache-2.0
// Tells connections that watch friends (watchPresence) which friends came and went. Looks at Redis when announcements
// say so, for many connections at once, and sends the changes. One per worker; costs nothing while nobody watches.
#pragma once
#include <boost/asio/steady_timer.hpp>

#include <set>
#include <unordered_set>
#include <vector>

#include "chat/bus/bus_message.hpp"
#include "chat/presence_watch.hpp"
#include "chat/protocol/protocol.hpp"
#include "chat/session.hpp"
#include "directory/directory.hpp"
#include "state/chat/store.hpp"

namespace hiky::chat {

class watches {
 public:
  watches(asio::any_io_executor executor, state::store& store, directory::directory& people);

  // The session watches those of `users` who are friends of its user, in the place of those it watched before. Gives
  // their presence. After an error the session watches the same friends as before.
  task<result<std::vector<user_presence>>> begin(session_ptr s, std::vector<user_id> users);
  // The session watches nobody any more. Harmless when it watched nobody.
  void end(session& s);

  // An announcement for the session's user: friendOnline or friendOffline. The session watches.
  void announced(session& s, notice::friend_change const& m);
  // The session, or all sessions of this worker, may have missed announcements.
  void doubt(session& s);
  void doubt_all();

 private:
  using watch_ptr = boost::intrusive_ptr<presence_watch>;
  struct look {
    session_ptr who;
    watch_ptr watch;
    std::vector<user_id> users;
    std::vector<user_presence> news{};
    // Until the session ends, or watches others.
    bool counts() const { return !who->gone && *who->watch == watch; }
  };

  void schedule(session& s);
  void unschedule(session& s);
  void arm();
  task<> look_at_due();
  task<std::vector<look>> take_due();
  task<bool> renew(session_ptr s, watch_ptr watch);
  task<> see(std::vector<look>& looks);
  void tell(look const& one);

  asio::any_io_executor ex_;
  state::store& store_;
  directory::directory& people_;
  watch_times times_;
  std::unordered_set<session*> all_;
  std::set<std::pair<presence_watch::time, session*>> waiting_;
  asio::steady_timer timer_;
  bool looking_ = false;
};

}  // namespace hiky::chat
