// SPDX-License-Identifier: Apache-2.0
#include "state/chat/mailbox.hpp"

#include <algorithm>
#include <charconv>

#include "redis/script.hpp"
#include "scripts.hpp"
#include "state/chat/keys.hpp"
#include "state/document/offline_messages.hpp"

namespace hiky::state {
namespace {

// The cap of lib/mailbox_cap.lua, as a script has it.
constexpr std::size_t cap_in(std::string_view script) {
  constexpr std::string_view name{"local mailbox_cap = "};
  std::size_t cap = 0;
  for (auto i = script.find(name) + name.size(); script[i] >= '0' && script[i] <= '9'; ++i)
    cap = 10 * cap + static_cast<std::size_t>(script[i] - '0');
  return cap;
}
static_assert(cap_in(scripts::mail_claim_lua) == offline_messages::limit,
              "the chat's mailboxes are those of the document's service");

// Lines of `epoch first last`. A line that is none is left out: the key is only a hint.
std::vector<message_range> parse_ranges(std::string_view text) {
  std::vector<message_range> out;
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    message_range range;
    auto const space = line.find(' ');
    if (space == std::string_view::npos) continue;
    range.epoch = line.substr(0, space);
    auto const* const end = line.data() + line.size();
    auto const first = std::from_chars(line.data() + space + 1, end, range.first);
    if (first.ec != std::errc{} || first.ptr == end) continue;
    if (std::from_chars(first.ptr + 1, end, range.last).ec == std::errc{}) out.push_back(std::move(range));
  }
  return out;
}

}  // namespace

task<result<seen_mail>> mailbox::look(user_id user) {
  auto answer = co_await redis_.exec(redis::request{"LRANGE", keys::offline_messages(user), 0, -1});
  if (!answer) co_return std::unexpected(answer.error());
  seen_mail out;
  for (auto const& message : (*answer)[0].items()) out.messages.push_back(message.text());
  out.answer = std::move(*answer);
  co_return out;
}

task<result<claimed_mail>> mailbox::claim(user_id user, connection_id connection, std::optional<connection_id> earlier,
                                          std::optional<mail_choice> choice) {
  static redis::script const script{scripts::mail_claim_lua};
  std::vector<std::string> used_keys{keys::offline_messages(user), keys::offline_inflight(user, connection),
                                     keys::offline_dropped(user), keys::user_connections(user)};
  if (earlier) used_keys.push_back(keys::given(user, *earlier));
  auto call = script.call(used_keys, choice ? 3 + choice->wanted.size() : 1);
  call.arg(connection);
  if (choice) {
    call.arg(choice->newest).arg(choice->count);
    for (auto const place : choice->wanted) call.arg(place);
  }
  auto answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  auto const items = (*answer)[0].items();
  if (items.empty()) co_return fail(errc::unexpected_reply, "mail_claim.lua returned nothing");
  if (items[0].integer() < 0) co_return fail(errc::conflict, "the queue has changed since it was looked at");
  claimed_mail out{.dropped = items[0].integer(), .messages = {}, .given = {}, .answer = {}};
  if (items.size() > 1) out.given = parse_ranges(items[1].text());
  for (std::size_t i = 2; i < items.size(); ++i) out.messages.push_back(items[i].text());
  std::ranges::reverse(out.messages);
  out.answer = std::move(*answer);  // views stay valid
  co_return out;
}

task<result<void>> mailbox::confirm(user_id user, connection_id connection, std::size_t count, std::int64_t dropped) {
  static redis::script const script{scripts::mail_confirm_lua};
  std::string const used_keys[]{keys::offline_inflight(user, connection), keys::offline_dropped(user)};
  auto call = script.call(used_keys, 2);
  call.arg(dropped).arg(count);
  auto const answer = co_await script.run(redis_, std::move(call));
  if (!answer) co_return std::unexpected(answer.error());
  co_return result<void>{};
}

}  // namespace hiky::state
