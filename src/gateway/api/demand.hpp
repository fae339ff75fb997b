// SPDX-License-Identifier: Apache-2.0
// The demand in the head of an API request, and whether its caller may have it: judged before the body is read.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/api/route.hpp"
#include "gateway/door/peer_address.hpp"

namespace hiky::gateway {

struct api_demand {
  api_route const* route = nullptr;  // of the path and the method
  std::vector<std::string> ids;
  std::vector<std::pair<std::string, std::string>> query;
  std::optional<auth::api_key> key;  // that opened the API; nobody else's body need be read
  std::optional<problem> refusal;
  std::string options;  // methods of the path, when that was the question
};

// `from`: whose request it is. Counts against the rates of the key, or of those who guess.
api_demand judge_api_head(api_context const& on, http_request const& head, peer_address const& from);

}  // namespace hiky::gateway
