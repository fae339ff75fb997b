// SPDX-License-Identifier: Apache-2.0
// A user's offline queue, oldest first, as the user will get it.
#include <fmt/format.h>

#include "app/ctl/commands.hpp"
#include "app/ctl/findings.hpp"
#include "state/inspect/waiting_mail.hpp"

namespace hiky::ctl {

outcome queue(session& s, user_id who) {
  auto mail = co_await state::list_mail(s.ws, who);
  if (!mail) co_return std::unexpected(mail.error());
  waiting found{who, {}, mail->dropped, 0};
  std::vector<std::string> notes;
  for (auto& text : mail->messages) {
    if (auto const parsed = parse_json(text); parsed && parsed->is_object()) {
      found.messages.push_back(std::move(text));
      continue;
    }
    ++*found.unreadable;
    notes.push_back(fmt::format("an entry of {} is left out: it is no JSON object", visible(mail->key)));
  }
  auto out = queue_report(found);
  out.notes.insert(out.notes.begin(), notes.begin(), notes.end());
  co_return out;
}

outcome clear_queue(session& s, user_id who) {
  auto const removed = co_await state::clear_mail(s.ws, who);
  if (!removed) co_return std::unexpected(removed.error());
  co_return cleared_report(who, *removed);
}

}  // namespace hiky::ctl
