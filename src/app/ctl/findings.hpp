// SPDX-License-Identifier: Apache-2.0
// Findings as reports: the same whether Redis was asked or an instance's API. Objects are those of --json; a
// member that one of the ways can't know is absent, and so is its row. Knows of neither way.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/ctl/report.hpp"
#include "base/ids.hpp"

namespace hiky::ctl {

report online_report(std::vector<std::string> const& names);
report online_count_report(std::int64_t count);
report clients_report(std::vector<std::pair<std::string, json::object>> clients);
report typing_report(std::vector<std::pair<std::string, std::string>> const& marks);
report user_report(json::object const& about);
report room_report(json::object const& about);
report info_report(json::object const& sections);
report instances_report(json::array const& instances);
report user_explanation_report(json::object const& e);
report message_explanation_report(json::object const& e);

// Messages as they were written, oldest first.
struct waiting {
  user_id user;
  std::vector<std::string> messages;
  std::int64_t dropped = 0;
  std::optional<std::size_t> unreadable{};  // besides these messages
};
report queue_report(waiting const& found);

report cleared_report(user_id const& who, std::int64_t count);
report disconnected_report(user_id const& who, std::int64_t told, std::int64_t ban_s);
report pardoned_report(user_id const& who, bool lifted);
report cleanup_report(std::int64_t removed, std::string_view database);
report sent_report(room_id const& room, std::string_view sender, std::string_view message_id,
                   std::string_view timestamp);
report added_report(room_id const& room, std::vector<user_id> const& added, std::vector<user_id> const& unchanged);
report removed_report(room_id const& room, std::vector<user_id> const& removed, std::vector<user_id> const& unchanged);

}  // namespace hiky::ctl
