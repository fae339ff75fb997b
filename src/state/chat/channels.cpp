// SPDX-License-Identifier: Apache-2.0
#include "state/chat/channels.hpp"

#include "state/chat/keys.hpp"

namespace hiky::state {

channels::channels(int database)
    : rooms_(keys::room_channels(database)), instances_(keys::instance_channels(database)) {}

std::optional<std::string_view> channels::room_in(std::string_view name) const {
  if (!name.starts_with(rooms_)) return std::nullopt;
  return name.substr(rooms_.size());
}

}  // namespace hiky::state
