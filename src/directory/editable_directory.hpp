// SPDX-License-Identifier: Apache-2.0
// A directory that hiky itself may change: hikyctl and the HTTP API write through this. Directories that belong to
// another application (its database, its HTTP service) are only `directory`.
#pragma once
#include <optional>

#include "directory/directory.hpp"

namespace hiky::directory {

// Fields that are absent stay as they are.
struct profile_change {
  user_id id;
  std::optional<std::string> username{}, name{}, profile_image{};
};

class editable_directory : public directory {
 public:
  // Adds the user, or changes a known one. A new user without a username gets the id as username. True when the user
  // was new.
  virtual task<result<bool>> add_user(profile_change change) = 0;
  // Also ends the user's friendships, on both sides, and takes the user out of all rooms of the directory.
  // False when the user was not known.
  virtual task<result<bool>> remove_user(user_id user) = 0;

  // Friendship goes both ways. Neither of them has to be known. False when nothing changed; invalid_argument for
  // oneself.
  virtual task<result<bool>> add_friend(user_id one, user_id other) = 0;
  virtual task<result<bool>> remove_friend(user_id one, user_id other) = 0;

  // False when nothing changed.
  virtual task<result<bool>> add_room_member(user_id user, room_id room) = 0;
  virtual task<result<bool>> remove_room_member(user_id user, room_id room) = 0;
  virtual task<result<std::vector<user_id>>> room_members(room_id room) = 0;
};

}  // namespace hiky::directory
