// SPDX-License-Identifier: Apache-2.0
// A user's offline queue. Shown oldest first, as the user will get it; the key holds it newest first.
#include <fmt/format.h>

#include <algorithm>

#include "app/ctl/commands.hpp"
#include "app/ctl/findings.hpp"
#include "state/chat/keys.hpp"

namespace hiky::ctl {
namespace {

namespace keys = state::keys;

}  // namespace

outcome queue(session& s, user_id who) {
  auto const reply = co_await all_of(
      s.ws, batch{}.add("LRANGE", keys::offline_messages(who), 0, -1).add("GET", keys::offline_dropped(who)));
  if (!reply) co_return std::unexpected(reply.error());
  auto texts = (*reply)[0].strings();
  std::ranges::reverse(texts);
  waiting found{who, {}, (*reply)[1].integer(), 0};
  std::vector<std::string> notes;
  for (auto& text : texts) {
    if (auto const parsed = parse_json(text); parsed && parsed->is_object()) {
      found.messages.push_back(std::move(text));
      continue;
    }
    ++*found.unreadable;
    notes.push_back(
        fmt::format("an entry of {} is left out: it is no JSON object", visible(keys::offline_messages(who))));
  }
  auto out = queue_report(found);
  out.notes.insert(out.notes.begin(), notes.begin(), notes.end());
  co_return out;
}

outcome clear_queue(session& s, user_id who) {
  auto const key = keys::offline_messages(who);
  redis::request whole{"MULTI"};
  whole.add("LLEN", key).add("DEL", key, keys::offline_dropped(who)).add("EXEC");
  auto const reply = co_await s.ws.exec(std::move(whole));
  if (!reply) co_return std::unexpected(reply.error());
  auto const answers = (*reply)[3].items();
  if (answers.size() != 2 || answers[0].is_error()) {
    co_return fail(answers.empty() ? errc::unexpected_reply : errc::server_error,
                   fmt::format("the queue of '{}' is gone, but could not be counted: {}", who.str(),
                               answers.empty() ? "EXEC gave nothing" : answers[0].text()));
  }
  co_return cleared_report(who, answers[0].integer());
}

}  // namespace hiky::ctl
