// SPDX-License-Identifier: Apache-2.0
// One entry of a user's mailbox, as far as it can be read: other programs write them as well.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/async.hpp"
#include "base/json.hpp"
#include "state/chat/room_log.hpp"

namespace hiky::chat {

struct letter {
  json::value text;
  std::string message_id;  // empty where there is none
  std::string room;
  std::optional<state::message_place> place;
  bool is_readable() const { return text.is_object(); }
};

// A mailbox that another program has filled may hold megabytes. Other sessions of this worker do not wait for them.
task<std::vector<letter>> open_all(asio::any_io_executor executor, std::span<std::string_view const> texts);

}  // namespace hiky::chat
