// SPDX-License-Identifier: Apache-2.0
#include "app/ctl/cells.hpp"
#include "app/ctl/findings.hpp"
#include "app/ctl/remote_commands.hpp"
#include "app/ctl/remote_paths.hpp"

namespace hiky::ctl::over_api {
namespace {

using namespace std::chrono_literals;

constexpr auto clearing = 600s;

outcome change_members(instance_api& api, words w, std::string method) {
  std::vector<user_id> changed, unchanged;
  for (auto const& u : w.users) {
    auto const done =
        co_await api.ask_object({.method = method, .path = of_room(w.room, "/members/" + percent_encoded(u))});
    if (!done) co_return std::unexpected(done.error());
    (holds(*done, "changed") ? changed : unchanged).emplace_back(u);
  }
  room_id const which{w.room};
  co_return method == "PUT" ? added_report(which, changed, unchanged) : removed_report(which, changed, unchanged);
}

}  // namespace

outcome cleanup(instance_api& api, words) {
  auto const done = co_await api.ask_object({.method = "POST",
                                             .path = "/maintenance/cleanup",
                                             .body = R"({"confirm":"delete all ws data"})",
                                             .patience = clearing});
  if (!done) co_return std::unexpected(done.error());
  co_return cleanup_report(number(*done, "removed"), "the WebSocket database");
}

outcome clear_queue(instance_api& api, words w) {
  auto const done = co_await api.ask_object({.method = "DELETE", .path = of_user(w.user, "/offline-messages")});
  if (!done) co_return std::unexpected(done.error());
  co_return cleared_report(user_id{w.user}, number(*done, "removed"));
}

outcome disconnect(instance_api& api, words w) {
  auto body = w.ban_s > 0 ? fmt::format(R"({{"banSeconds":{}}})", w.ban_s) : std::string{};
  auto const done =
      co_await api.ask_object({.method = "POST", .path = of_user(w.user, "/disconnect"), .body = std::move(body)});
  if (!done) co_return std::unexpected(done.error());
  co_return disconnected_report(user_id{w.user}, number(*done, "connections"), w.ban_s);
}

outcome pardon(instance_api& api, words w) {
  auto const done = co_await api.ask_object({.method = "DELETE", .path = of_user(w.user, "/ban")});
  if (!done) co_return std::unexpected(done.error());
  co_return pardoned_report(user_id{w.user}, holds(*done, "pardoned"));
}

outcome add_members(instance_api& api, words w) { return change_members(api, std::move(w), "PUT"); }
outcome remove_members(instance_api& api, words w) { return change_members(api, std::move(w), "DELETE"); }

outcome send(instance_api& api, words w) {
  std::string body = "{\"content\":";
  if (w.raw) body += w.text;
  else append_json_string(body, w.text);
  if (w.from) append_json_string(body += ",\"senderId\":", *w.from);
  auto const sent =
      co_await api.ask_object({.method = "POST", .path = of_room(w.room, "/messages"), .body = body += '}'});
  if (!sent && sent.error().code == errc::not_member) {
    co_return fail(errc::not_member,
                   fmt::format("'{}' is not a member of room '{}'; make them one with: hikyctl room add-member {}",
                               w.from.value_or(""), w.room, pasteable({w.room, w.from.value_or("")})));
  }
  if (!sent) co_return std::unexpected(sent.error());
  co_return sent_report(room_id{w.room}, text(*sent, "senderId"), text(*sent, "messageId"), text(*sent, "timestamp"));
}

}  // namespace hiky::ctl::over_api
