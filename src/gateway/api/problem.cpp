// SPDX-License-Identifier: Apache-2.0
#include "gateway/api/problem.hpp"

#include <fmt/format.h>

#include "base/json.hpp"
#include "directory/foreign_text.hpp"

namespace hiky::gateway {

problem problem_of(error const& e) {
  switch (e.code) {
    case errc::invalid_argument: return {http_status::bad_request, "invalid_argument", e.text};
    case errc::not_found: return {http_status::not_found, "not_found", e.text};
    case errc::conflict: return {http_status::conflict, "conflict", e.text};
    case errc::not_member: return {http_status::forbidden, "not_member", e.text};
    default: break;
  }
  if (is_transient(e)) {
    return {http_status::service_unavailable,
            "unavailable",
            std::string{unavailability(e)},
            {{http_field::retry_after, "1"}}};
  }
  return {http_status::internal_server_error,
          "internal",
          "something went wrong here; the server's log says what",
          {},
          e.text};
}

http_response problem_response(http_request const& to, problem const& why) {
  std::string body{R"({"type":"urn:hiky:problem:)"};
  (body += why.code) += R"(","title":)";
  append_json_string(body, std::string_view{obsolete_reason(why.status)});
  body += fmt::format(R"(,"status":{},"detail":)", static_cast<unsigned>(why.status));
  append_json_string(body, why.detail);
  body += R"(,"instance":)";
  append_json_string(body, directory::mended_utf8(std::string{path_of(to)}));
  auto out = plain_response(to, why.status, std::move(body += '}'));
  out.set(http_field::content_type, problem_media_type);
  out.set(http_field::cache_control, "no-store");
  for (auto const& [name, value] : why.headers) out.set(name, value);
  return out;
}

}  // namespace hiky::gateway
