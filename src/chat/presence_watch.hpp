// SPDX-License-Identifier: Apache-2.0
// The users that one connection watches (watchPresence), the states that it has been told, and the times to look at
// them again. Pure: no Redis, no clock.
//
// Announcements only say when to look; what is told is what Redis says then. So one that is lost, comes twice or comes
// late does no harm that lasts, and whoever goes and comes back between two looks was never away. An absence that
// nobody has announced is told only if it is still so after `patience`: within a grace period, and while connections
// are put into a Redis that has lost them, it means nothing.
#pragma once
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <algorithm>
#include <chrono>
#include <span>
#include <string_view>
#include <vector>

#include "base/ids.hpp"

namespace hiky::chat {

struct watch_times {
  std::chrono::milliseconds batch{250};  // from an announcement to the look; of one connection, between two looks
  std::chrono::milliseconds patience{
      8'000};  // longer than the grace period, and than connections take to be asserted again
  std::chrono::milliseconds retry{1'000};  // when Redis did not answer, or the client has no room for the news
  std::chrono::milliseconds renewal{
      60'000};  // until everybody is looked at, and friendships are asked for, whatever was announced
};

// Shared by the session and by whoever looks for it, who must find out when another has taken its place.
class presence_watch : public boost::intrusive_ref_counter<presence_watch, boost::thread_unsafe_counter> {
 public:
  using time = std::chrono::steady_clock::time_point;

  // `users`: sorted, each once. Nobody is shown as online yet.
  presence_watch(std::vector<user_id> users, watch_times times, time now);

  time waits_for = time::max();  // kept by `watches`: its place among those who wait

  // An announcement has come. False: this user is not watched.
  bool announced(std::string_view user, bool online, time now);
  // Announcements may have been missed: everybody is to be looked at, and friendships too.
  void doubt_all(time now) { renewal_ = now; }

  // When there is something to do.
  time due() const;
  bool renewal_due(time now) const { return renewal_ <= now; }
  // These are the user's friends now: watches no others any more, and looks at all of them.
  void renew(std::span<user_id const> sorted_friends, time now);
  void postpone_renewal(time now) { renewal_ = now + times_.retry; }

  // The users to look at now, and those who would be next before another batch is due. Their states are answered, or
  // they are put off.
  std::vector<user_id> take_due(time now);
  // How it stands with one of them; true when the client has to be told.
  bool answered(user_id const& user, bool online, time now);
  // The client could not be told of `user`: it still takes the user for what it did before.
  void untold(user_id const& user, time now);
  void put_off(std::span<user_id const> users, time now);

 private:
  struct watched {
    user_id user;
    bool shown = false;  // as online
    bool sure = false;  // an absence seen now counts
    time look_at = time::max();
  };
  watched* find(std::string_view user);
  static void sooner(watched& one, time when) { one.look_at = std::min(one.look_at, when); }

  watch_times times_;
  std::vector<watched> users_;  // sorted
  time renewal_;
};

}  // namespace hiky::chat
