// SPDX-License-Identifier: Apache-2.0
#include "chat/upkeep/expiries.hpp"

#include <algorithm>

namespace hiky::chat {

using namespace std::chrono_literals;
using std::chrono::system_clock;

void expiries::set(session& s, std::optional<std::chrono::sys_seconds> before) {
  if (before) waiting_.erase({*before, &s});
  if (s.grant && s.grant->expiry) waiting_.emplace(*s.grant->expiry, &s);
  arm();
}

void expiries::put_off(session& s, std::optional<std::chrono::sys_seconds> until) {
  if (!s.grant) s.grant = std::make_unique<auth::grant>();
  set(s, std::exchange(s.grant->expiry, until));
}

void expiries::remove(session& s) {
  if (s.grant && s.grant->expiry) waiting_.erase({*s.grant->expiry, &s});
}

void expiries::end(session& s) {
  session_ptr const keep{&s};
  count_.expired.add();
  s.close(close_unauthorized, "your token or session has expired; connect again with a new one");
}

void expiries::arm() {
  if (waiting_.empty()) return void(timer_.cancel());
  auto const left =
      std::chrono::duration_cast<std::chrono::milliseconds>(waiting_.begin()->first - system_clock::now());
  timer_.expires_after(std::clamp<std::chrono::milliseconds>(left + 1ms, 0ms, 60'000ms));
  timer_.async_wait([this](boost::system::error_code ec) {
    if (ec) return;
    while (!waiting_.empty() && waiting_.begin()->first <= system_clock::now()) {
      auto& s = *waiting_.begin()->second;
      waiting_.erase(waiting_.begin());
      if (!look_first_(s)) end(s);
    }
    arm();
  });
}

}  // namespace hiky::chat
