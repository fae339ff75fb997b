// SPDX-License-Identifier: Apache-2.0
// The directory built in: plain keys in the application's database (0), so that any program can fill it.
//   hiky:user:{u}          hash  username, name, profileImage
//   hiky:user_friends:{u}  set   user ids
//   hiky:user_rooms:{u}    set   room ids
//   hiky:room_members:{r}  set   user ids, the other side of hiky:user_rooms
// Believes nothing it reads: texts come out as valid UTF-8, and an entry that can't be an id is left out.
#pragma once
#include "directory/editable_directory.hpp"
#include "redis/client.hpp"

namespace hiky::directory {

class redis_directory final : public editable_directory {
 public:
  // `redis` is connected to the application's database and outlives this.
  explicit redis_directory(redis::client& redis) : redis_(redis) {}

  // One round trip each.
  task<result<entry>> load(user_id user) override;
  task<result<std::vector<user_id>>> friends(user_id user) override;
  // One round trip for all. A user whose key holds something else than a hash is unknown; the others are not hidden by
  // it.
  task<result<std::vector<profile>>> profiles(std::vector<user_id> users) override;
  task<result<std::vector<user_id>>> room_members(room_id room) override;

  // One round trip each, whole: MULTI and EXEC, or a script where the keys depend on what is stored.
  task<result<bool>> add_user(profile_change change) override;
  task<result<bool>> remove_user(user_id user) override;
  task<result<bool>> add_friend(user_id one, user_id other) override;
  task<result<bool>> remove_friend(user_id one, user_id other) override;
  task<result<bool>> add_room_member(user_id user, room_id room) override;
  task<result<bool>> remove_room_member(user_id user, room_id room) override;

 private:
  redis::client& redis_;
};

}  // namespace hiky::directory
