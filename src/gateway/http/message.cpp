// SPDX-License-Identifier: Apache-2.0
#include "gateway/http/message.hpp"

namespace hiky::gateway {

std::string_view path_of(http_request const& r) {
  std::string_view const target{r.target()};
  return target.substr(0, target.find('?'));
}

http_response plain_response(http_request const& to, http_status status, std::string text) {
  http_response out{status, 11};
  out.keep_alive(to.keep_alive());
  out.set(http_field::content_type, "text/plain; charset=utf-8");
  out.body() = std::move(text);
  out.prepare_payload();
  return out;
}

}  // namespace hiky::gateway
