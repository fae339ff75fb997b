// SPDX-License-Identifier: Apache-2.0
// Reports of commands that change something.
#include <fmt/format.h>

#include "app/ctl/findings.hpp"

namespace hiky::ctl {
namespace {

// One line and one list for those it changed something for, and for the others.
report changed_members(room_id const& which, std::vector<user_id> const& changed, std::vector<user_id> const& same,
                       std::string_view now, std::string_view before, std::string_view field) {
  report out;
  for (auto const& u : changed) out.text += fmt::format("{} {} {}\n", visible(u), now, visible(which));
  for (auto const& u : same) out.text += fmt::format("{} {} {}\n", visible(u), before, visible(which));
  json::object all{{"room", foreign(which)}};
  all[field] = json_array(changed);
  all["unchanged"] = json_array(same);
  out.json = json::serialize(all);
  return out;
}

}  // namespace

report cleared_report(user_id const& who, std::int64_t count) {
  return {.json = json::serialize(json::object{{"user", foreign(who)}, {"cleared", count}}),
          .text = fmt::format("cleared {} of {}", counted(count, "message"), visible(who))};
}

report disconnected_report(user_id const& who, std::int64_t told, std::int64_t ban_s) {
  auto text = told == 0 ? fmt::format("{} has no connection", visible(who))
                        : fmt::format("{} of {} told to end", counted(told, "connection"), visible(who));
  if (ban_s > 0) text += fmt::format("; no new one for {} s", ban_s);
  return {
      .json = json::serialize(json::object{{"user", foreign(who)}, {"connections", told}, {"bannedSeconds", ban_s}}),
      .text = std::move(text)};
}

report pardoned_report(user_id const& who, bool lifted) {
  return {.json = json::serialize(json::object{{"user", foreign(who)}, {"pardoned", lifted}}),
          .text = visible(who) + (lifted ? " may connect again" : " was not banned")};
}

report cleanup_report(std::int64_t removed, std::string_view database) {
  return {.json = json::serialize(json::object{{"removedKeys", removed}}),
          .text = fmt::format("removed {} under ws: from {}", counted(removed, "key"), database)};
}

report sent_report(room_id const& room, std::string_view sender, std::string_view message_id,
                   std::string_view timestamp) {
  return {.json = json::serialize(json::object{{"roomId", foreign(room)},
                                               {"senderId", foreign(sender)},
                                               {"messageId", foreign(message_id)},
                                               {"timestamp", foreign(timestamp)}}),
          .text = fmt::format("sent {} to {} as {}", visible(message_id), visible(room), visible(sender))};
}

report added_report(room_id const& room, std::vector<user_id> const& added, std::vector<user_id> const& unchanged) {
  return changed_members(room, added, unchanged, "is now a member of", "was a member already of", "added");
}

report removed_report(room_id const& room, std::vector<user_id> const& removed, std::vector<user_id> const& unchanged) {
  return changed_members(room, removed, unchanged, "is no longer a member of", "was no member of", "removed");
}

}  // namespace hiky::ctl
