// SPDX-License-Identifier: Apache-2.0
// A user's offline queue. Shown oldest first, as the user will get it; the key holds it newest first.
#include <fmt/format.h>

#include <algorithm>

#include "app/ctl_commands.hpp"
#include "state/keys.hpp"

namespace hiky::ctl {
namespace {

namespace keys = state::keys;

// Of a string its characters, of anything else its JSON text, with all digits of its numbers.
std::string cell(json::object const& message, std::string_view text, std::string_view name) {
  auto const* found = message.if_contains(name);
  if (found == nullptr) return "-";
  return std::string{found->is_string() ? std::string_view{found->get_string()} : raw_member(text, name).value_or("-")};
}

}  // namespace

outcome queue(session& s, user_id who) {
  auto const reply = co_await all_of(s.ws, batch{}.add("LRANGE", keys::offline_messages(who), 0, -1).add("GET", keys::offline_dropped(who)));
  if (!reply) co_return std::unexpected(reply.error());
  auto texts = (*reply)[0].strings();
  std::ranges::reverse(texts);
  auto const dropped = (*reply)[1].integer();

  report out;
  out.head = {"TIME", "ROOM", "FROM", "CONTENT"};
  out.widest_cell = 60;
  out.when_empty = fmt::format("nothing is queued for {}", visible(who));
  std::string messages;
  std::size_t good = 0;
  for (auto const& text : texts) {
    auto const parsed = parse_json(text);
    if (!parsed || !parsed->is_object()) {
      out.notes.push_back(fmt::format("an entry of {} is left out: it is no JSON object", visible(keys::offline_messages(who))));
      continue;
    }
    auto const& message = parsed->get_object();
    out.rows.push_back(
        {cell(message, text, "timestamp"), cell(message, text, "roomId"), cell(message, text, "senderId"), cell(message, text, "content")});
    // As it was written: a content with numbers beyond 2^53 keeps its digits.
    messages.append(good++ > 0 ? "," : "").append(text);
  }
  if (dropped > 0) out.notes.push_back(fmt::format("the limit of 100 has dropped {} older than these", counted(dropped, "message")));
  out.json = fmt::format(R"({{"user":{},"count":{},"dropped":{},"unreadable":{},"messages":[{}]}})", json::serialize(json::value(foreign(who))),
                         texts.size(), dropped, texts.size() - good, messages);
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
    co_return fail(
        answers.empty() ? errc::unexpected_reply : errc::server_error,
        fmt::format("the queue of '{}' is gone, but could not be counted: {}", who.str(), answers.empty() ? "EXEC gave nothing" : answers[0].text()));
  }
  auto const count = answers[0].integer();
  co_return report{.json = json::serialize(json::object{{"user", foreign(who)}, {"cleared", count}}),
                   .text = fmt::format("cleared {} of {}", counted(count, "message"), visible(who))};
}

}  // namespace hiky::ctl
