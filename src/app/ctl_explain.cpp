// SPDX-License-Identifier: Apache-2.0
// What state/explain and state/instances found out, as reports.
#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include "app/ctl_commands.hpp"
#include "directory/foreign_text.hpp"
#include "state/explain.hpp"
#include "state/instances.hpp"

namespace hiky::ctl {
namespace {

std::string seconds(std::int64_t ms) { return fmt::format("{:.1f} s", static_cast<double>(ms) / 1000.0); }

std::string lease_text(state::lease_state_at const& lease) {
  switch (lease.view) {
    case state::lease_view::alive: return seconds(lease.left_ms) + " left";
    case state::lease_view::ended: return fmt::format("ended {} ago", seconds(-lease.left_ms));
    case state::lease_view::none: return "none";
  }
  return {};
}

std::string room_text(state::explained_room const& r) {
  std::string out;
  auto const add = [&](bool is, std::string_view word) {
    if (is) out.append(out.empty() ? "" : ", ").append(word);
  };
  add(r.member, "member");
  add(r.participant, "takes part");
  add(r.joined, "has it open");
  add(r.absent, "is queued for");
  return out;
}

template <class Found>
std::string text_of(Found const& found) {
  return directory::mended_utf8(json::serialize(to_json(found)));
}

}  // namespace

outcome instances(session& s) {
  auto const all = co_await state::list_instances(s.ws);
  if (!all) co_return std::unexpected(all.error());
  report out{directory::mended_utf8(json::serialize(json::object{{"count", all->size()}, {"instances", to_json(*all)}}))};
  out.head = {"INSTANCE", "LEASE", "CONNECTIONS", "USERS", "HEARS THE BUS"};
  out.when_empty = "no instance holds a lease or a connection";
  for (auto const& i : *all) {
    out.rows.push_back({i.id.str(), lease_text(i.lease) + (i.being_swept ? ", being swept" : ""), fmt::to_string(i.connections),
                        fmt::to_string(i.users), i.hears ? *i.hears ? "yes" : "no" : "?"});
  }
  co_return out;
}

outcome explain_user(session& s, user_id who) {
  auto const found = co_await state::explain_user(s.ws, who);
  if (!found) co_return std::unexpected(found.error());
  auto const& e = *found;
  report out{text_of(e)};
  out.rows.push_back({"verdict", e.verdict});
  for (auto const& p : e.problems) out.rows.push_back({"problem", p});
  for (auto const& c : e.connections) {
    std::vector<std::string> row{"connection", c.id.str(), c.instance.empty() ? "?" : c.instance.str(), "lease " + lease_text(c.lease),
                                 "since " + c.since};
    if (!c.ip_address.empty()) row.push_back(c.ip_address);
    if (c.mail_in_flight > 0) row.push_back(counted(c.mail_in_flight, "message") + " sent by mail and not confirmed");
    out.rows.push_back(std::move(row));
  }
  for (auto const& r : e.rooms) out.rows.push_back({"room", r.room.str(), room_text(r)});
  if (e.typing_in) out.rows.push_back({"typing in", e.typing_in->str()});
  out.rows.push_back(
      {"mailbox", e.queued == 0 ? "empty" : fmt::format("{}, from {} to {}", counted(e.queued, "message"), e.oldest_queued, e.newest_queued)});
  if (e.dropped > 0) out.rows.push_back({"dropped", counted(e.dropped, "message") + " had to make room"});
  co_return out;
}

outcome explain_message(session& s, state::message_question about) {
  auto const found = co_await state::explain_message(s.ws, about);
  if (!found) co_return std::unexpected(found.error());
  auto const& e = *found;
  report out{text_of(e)};
  out.title = e.verdict;
  if (e.listeners) out.title += fmt::format("\nthe room is heard by {}", counted(*e.listeners, "instance"));
  out.head = {"USER", "OUTCOME", "WHY"};
  for (auto const& r : e.recipients) out.rows.push_back({r.user.str(), std::string{to_string(r.what)}, r.why});
  if (e.truncated)
    out.notes.push_back(
        fmt::format("only {} are shown; ask about one with --user", counted(static_cast<std::int64_t>(e.recipients.size()), "recipient")));
  co_return out;
}

}  // namespace hiky::ctl
