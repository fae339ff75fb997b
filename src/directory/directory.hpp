// SPDX-License-Identifier: Apache-2.0
// Users, their friends and their rooms: the application's knowledge, which the document reads from the app's own
// database (`User.findById`, `Room.find`). An interface; `redis_directory` is the one built in.
#pragma once
#include <string>
#include <vector>

#include "base/async.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"

namespace hiky::directory {

// The document's `populate('friend', 'username name profileImage')`. Unknown users have empty texts.
struct profile {
  user_id id;
  std::string username, name, profile_image;
};

// All that a register needs, so that one round trip can fetch it.
struct entry {
  profile user;
  std::vector<user_id> friends;
  std::vector<room_id> rooms;  // rooms the user belongs to, before any joinRoom
};

class directory {
 public:
  virtual ~directory() = default;
  // An unknown user is not an error: an entry with the id alone.
  virtual task<result<entry>> load(user_id user) = 0;
  virtual task<result<std::vector<user_id>>> friends(user_id user) = 0;
  // In the order asked for, one for each id.
  virtual task<result<std::vector<profile>>> profiles(std::vector<user_id> users) = 0;
};

}  // namespace hiky::directory
