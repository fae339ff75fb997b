// SPDX-License-Identifier: Apache-2.0
// The findings of explain and of instances, as reports.
#include "app/ctl/commands.hpp"
#include "app/ctl/findings.hpp"
#include "state/inspect/explain_user.hpp"
#include "state/inspect/instances.hpp"

namespace hiky::ctl {

outcome instances(session& s) {
  auto const all = co_await state::list_instances(s.ws);
  if (!all) co_return std::unexpected(all.error());
  co_return instances_report(state::to_json(*all));
}

outcome explain_user(session& s, user_id who) {
  auto const found = co_await state::explain_user(s.ws, who);
  if (!found) co_return std::unexpected(found.error());
  co_return user_explanation_report(state::to_json(*found));
}

outcome explain_message(session& s, state::message_question about) {
  auto const found = co_await state::explain_message(s.ws, about);
  if (!found) co_return std::unexpected(found.error());
  co_return message_explanation_report(state::to_json(*found));
}

}  // namespace hiky::ctl
