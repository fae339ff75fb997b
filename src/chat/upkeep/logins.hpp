// SPDX-License-Identifier: Apache-2.0
// Looks after connections whose user is logged in to the application: asks again and again whether the login session
// still exists, and ends the connection with 4401 when it does not. Without an answer the connection stays. One per
// worker. Knows login sessions by their ids, not how they are stored.
#pragma once
#include <boost/asio/steady_timer.hpp>

#include <map>
#include <string>
#include <vector>

#include "auth/authenticator.hpp"
#include "chat/counters.hpp"
#include "chat/upkeep/expiries.hpp"

namespace hiky::chat {

class logins {
 public:
  // Asks about each connection once in `every`, spread over that time; 0: only before one is ended for its age.
  logins(asio::any_io_executor const& executor, auth::authenticator& gate, expiries& ends,
         std::chrono::milliseconds every, counters& count)
      : gate_(gate), ends_(ends), every_(every), count_(count), timer_(executor) {}

  // The login session that `s` came from; empty: there is none, or not any more.
  void watch(session& s, std::string id);
  void forget(session& s) { watched_.erase(&s); }
  std::string of(session* s) const;
  // The end of `s` is due, as far as this worker knows. True when the login session will be looked at first, since the
  // application may have prolonged it.
  bool looks_first(session& s);

 private:
  task<> run();
  std::size_t portion() const;
  std::vector<session*> next_due();
  void add_portion(std::vector<session*>& to);
  task<bool> look(std::vector<session*> at);
  void judge(session& s, auth::verdict<auth::identity> const& found);

  auth::authenticator& gate_;
  expiries& ends_;
  std::chrono::milliseconds every_;
  counters& count_;
  asio::steady_timer timer_;
  std::map<session*, std::string> watched_;  // a connection of another mode costs nothing here
  session* last_ = nullptr;  // where the round is; an address alone, and its session may be gone
  std::vector<session*> due_;  // to be looked at next; addresses as well
  bool running_ = false;
};

}  // namespace hiky::chat
