// SPDX-License-Identifier: Apache-2.0
// The HTTP API under /api/v1, for programs that hold a key: finds the route, checks who asks and what, calls the
// handler.
#pragma once
#include "gateway/api/route.hpp"
#include "gateway/door/peer_address.hpp"

namespace hiky::gateway {

class worker;

// What the head of a request asks for, and whether its caller may have it.
struct api_demand {
  api_route const* route = nullptr;  // of the path and the method
  std::vector<std::string> ids;
  std::vector<std::pair<std::string, std::string>> query;
  std::optional<auth::api_key> key;  // that opened the API; nobody else's body need be read
  std::optional<problem> refusal;
  std::string options;  // methods of the path, when that was the question
};

// `from`: whose request it is. Counts against the rates of the key, or of those who guess.
api_demand judge_api_head(worker& on, http_request const& head, peer_address const& from);
task<http_response> api_response(worker& on, http_request const& request, api_demand demand);

}  // namespace hiky::gateway
