// SPDX-License-Identifier: Apache-2.0
#include "state/chat/keys.hpp"

#include <fmt/format.h>

#include "base/digest.hpp"

namespace hiky::state::keys {

// Sizes go first, so that no two triples can be cut differently into the same text.
std::string dedup(room_id const& r, user_id const& sender, std::string_view client_msg_id) {
  constexpr std::size_t digest_bytes = 16;
  auto const triple =
      fmt::format("{}:{}:{}:{}:{}", r.str().size(), r.str(), sender.str().size(), sender.str(), client_msg_id);
  return of(prefix::dedup, short_digest(triple, digest_bytes));
}

}  // namespace hiky::state::keys
