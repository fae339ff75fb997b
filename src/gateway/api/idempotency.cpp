// SPDX-License-Identifier: Apache-2.0
#include "gateway/api/idempotency.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/digest.hpp"
#include "gateway/api/context.hpp"

namespace hiky::gateway {

// A structured field's string (`"…"`), as the draft wants it, or the bare text that most programs send.
std::expected<std::string, problem> idempotency_key(http_request const& request) {
  if (request.count("Idempotency-Key") == 0) return {};
  auto const header = request["Idempotency-Key"];
  std::string_view text{header.data(), header.size()};
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  auto const plain = std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\'; });
  if (text.empty() || text.size() > 128 || !plain || request.count("Idempotency-Key") > 1) {
    return std::unexpected(problem{http_status::bad_request, "invalid_argument",
                                   "Idempotency-Key must be 1 to 128 visible ASCII characters, once"});
  }
  return std::string{text};
}

state::once once_of(api_call const& call) {
  auto const request = fmt::format("{}\n{}", call.ids[0], call.body);
  return {std::string{call.key}, call.idempotency_key, sha256_hex(request),
          state::idempotency_life_s(call.on.room_log)};
}

problem idempotency_key_reused() {
  return {http_status::unprocessable_entity, "idempotency_key_reused",
          "this Idempotency-Key has come with another request already; a new request needs a new key"};
}

}  // namespace hiky::gateway
