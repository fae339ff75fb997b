// SPDX-License-Identifier: Apache-2.0
// Cookies from anybody, and login sessions that another program may have left in Redis: `c` and a Cookie header, or `s`
// and JSON.
#include "auth/session_cookie.hpp"
#include "demand.hpp"

using namespace hiky;
using namespace hiky::auth;
using namespace std::chrono_literals;

namespace {

void judge_cookie(std::string_view header) {
  auto const value = cookie_value(header, "connect.sid");
  if (!value) return;
  demand(header.contains("connect.sid"), "a cookie has a name");
  demand(header.contains(*value), "and a value that stands there");
  auto const id = signed_session_id(*value, {"a secret that nobody knows", "tobiiscool"});
  if (id) demand(*id == "hello", "nobody else can sign");  // the seed's; its secret is public
}

void judge_session(std::string_view text) {
  auto const now = std::chrono::sys_seconds{std::chrono::seconds{1'800'000'000}};
  for (auto const life : {std::optional<std::chrono::milliseconds>{}, std::optional{5000ms},
                          std::optional{std::chrono::milliseconds::max()}}) {
    auto const who = read_session(text, "passport.user", life, now);
    if (!who) {
      demand(who.error().code == errc::invalid_argument || who.error().code == errc::unexpected_reply,
             "nobody, or not a session");
      continue;
    }
    demand(!id_fault(who->user), "a user's id is one");
    demand(!life || who->grant.expiry, "what ends in Redis ends here");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(
    std::uint8_t const* data, std::size_t size) {  // NOLINT(readability-identifier-naming): libFuzzer calls it so
  if (size == 0) return 0;
  std::string_view const rest{reinterpret_cast<char const*>(data) + 1, size - 1};
  if (data[0] == 's') judge_session(rest);
  else judge_cookie(rest);
  return 0;
}
