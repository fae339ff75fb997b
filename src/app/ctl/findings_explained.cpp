// SPDX-License-Identifier: Apache-2.0
// Why something is as it is: instances, a user, a message.
#include <fmt/format.h>

#include "app/ctl/cells.hpp"
#include "app/ctl/findings.hpp"
#include "directory/foreign_text.hpp"

namespace hiky::ctl {
namespace {

using row = std::vector<std::string>;

std::string json_text(json::value const& v) { return directory::mended_utf8(json::serialize(v)); }

std::string seconds(std::int64_t ms) { return fmt::format("{:.1f} s", static_cast<double>(ms) / 1000.0); }

std::string lease_text(json::object const& holder) {
  auto state = member(holder, "lease");
  auto const left = number(holder, "leaseLeftMs");
  if (state == "alive") return seconds(left) + " left";
  if (state == "ended") return fmt::format("ended {} ago", seconds(-left));
  return state;
}

std::string room_text(json::object const& r) {
  std::string out;
  auto const add = [&](std::string_view name, std::string_view word) {
    if (holds(r, name)) out.append(out.empty() ? "" : ", ").append(word);
  };
  add("member", "member");
  add("participant", "takes part");
  add("joined", "has it open");
  add("absent", "is queued for");
  return out;
}

}  // namespace

report instances_report(json::array const& instances) {
  report out{json_text(json::object{{"count", instances.size()}, {"instances", instances}})};
  out.head = {"INSTANCE", "LEASE", "CONNECTIONS", "USERS", "HEARS THE BUS"};
  out.when_empty = "no instance holds a lease or a connection";
  for (auto const* i : objects(instances)) {
    out.rows.push_back({member(*i, "id"), lease_text(*i) + (holds(*i, "beingSwept") ? ", being swept" : ""),
                        member(*i, "connections"), member(*i, "users"),
                        i->contains("hearsTheBus") ? holds(*i, "hearsTheBus") ? "yes" : "no" : "?"});
  }
  return out;
}

report user_explanation_report(json::object const& e) {
  report out{json_text(e)};
  out.rows.push_back({"verdict", member(e, "verdict")});
  for (auto const& p : texts(list(e, "problems"))) out.rows.push_back({"problem", p});
  for (auto const* c : objects(list(e, "connections"))) {
    auto const instance = member(*c, "instance"), address = member(*c, "ipAddress");
    row cells{"connection", member(*c, "id"), instance.empty() ? "?" : instance, "lease " + lease_text(*c),
              "since " + member(*c, "since")};
    if (!address.empty()) cells.push_back(address);
    if (auto const unsure = number(*c, "mailInFlight"); unsure > 0)
      cells.push_back(counted(unsure, "message") + " sent by mail and not confirmed");
    out.rows.push_back(std::move(cells));
  }
  for (auto const* r : objects(list(e, "rooms"))) out.rows.push_back({"room", member(*r, "roomId"), room_text(*r)});
  if (e.contains("typingIn")) out.rows.push_back({"typing in", member(e, "typingIn")});
  auto const* found = e.if_contains("mail");
  auto const mail = found != nullptr && found->is_object() ? found->get_object() : json::object{};
  auto const queued = number(mail, "queued"), dropped = number(mail, "dropped");
  out.rows.push_back({"mailbox", queued == 0 ? "empty"
                                             : fmt::format("{}, from {} to {}", counted(queued, "message"),
                                                           member(mail, "oldest"), member(mail, "newest"))});
  if (dropped > 0) out.rows.push_back({"dropped", counted(dropped, "message") + " had to make room"});
  return out;
}

report message_explanation_report(json::object const& e) {
  report out{json_text(e)};
  out.title = member(e, "verdict");
  if (e.contains("listeningInstances"))
    out.title += fmt::format("\nthe room is heard by {}", counted(number(e, "listeningInstances"), "instance"));
  out.head = {"USER", "OUTCOME", "WHY"};
  for (auto const* r : objects(list(e, "recipients")))
    out.rows.push_back({member(*r, "userId"), member(*r, "outcome"), member(*r, "why")});
  if (holds(e, "truncated"))
    out.notes.push_back(fmt::format("only {} are shown; ask about one with --user",
                                    counted(static_cast<std::int64_t>(out.rows.size()), "recipient")));
  return out;
}

}  // namespace hiky::ctl
