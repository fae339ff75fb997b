// SPDX-License-Identifier: Apache-2.0
#include "state/inspect/explained_connection.hpp"

namespace hiky::state {
namespace {

std::string text_of(json::object const& object, std::string_view name) {
  auto const* found = object.if_contains(name);
  return found != nullptr && found->is_string() ? std::string{found->get_string()} : std::string{};
}

}  // namespace

std::string_view to_string(lease_view v) {
  switch (v) {
    case lease_view::alive: return "alive";
    case lease_view::ended: return "ended";
    case lease_view::none: return "none";
  }
  return "none";
}

lease_state_at lease_at(redis::value const& end, std::int64_t now_ms) {
  if (end.is_null() || end.text().empty()) return {};
  auto const left = end.integer() - now_ms;
  return {left >= 0 ? lease_view::alive : lease_view::ended, left};
}

explained_connection read_connection(std::string_view id, std::string_view text, redis::value const& lease_end,
                                     std::int64_t now_ms) {
  explained_connection out;
  out.id = connection_id{id};
  out.lease = lease_at(lease_end, now_ms);
  auto const parsed = parse_json(text);
  if (!parsed || !parsed->is_object()) return out;
  auto const& about = parsed->get_object();
  out.instance = instance_id{text_of(about, "instance")};
  out.since = text_of(about, "since");
  out.ip_address = text_of(about, "ip");
  out.user_agent = text_of(about, "agent");
  if (auto const* at = about.if_contains("at"); at != nullptr && at->is_int64()) out.at_ms = at->get_int64();
  return out;
}

json::object to_json(explained_connection const& c) {
  json::object out{
      {"id", c.id.str()}, {"instance", c.instance.str()}, {"since", c.since}, {"lease", to_string(c.lease.view)}};
  if (c.lease.view != lease_view::none) out["leaseLeftMs"] = c.lease.left_ms;
  if (c.being_swept) out["beingSwept"] = true;
  if (!c.ip_address.empty()) out["ipAddress"] = c.ip_address;
  if (!c.user_agent.empty()) out["userAgent"] = c.user_agent;
  return out;
}

}  // namespace hiky::state
