// SPDX-License-Identifier: Apache-2.0
// The names of the channels between instances, for those that subscribe to them.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.hpp"

namespace hiky::state {

class channels {
 public:
  explicit channels(int database);

  std::string of_room(std::string_view room) const { return rooms_ + std::string{room}; }
  std::string of_instance(instance_id const& instance) const { return instances_ + instance.str(); }
  // The room whose channel `name` is; nothing if it is no room's. A part of `name`.
  std::optional<std::string_view> room_in(std::string_view name) const;

 private:
  std::string rooms_, instances_;
};

}  // namespace hiky::state
