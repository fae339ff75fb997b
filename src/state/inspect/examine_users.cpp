// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "redis/script.hpp"
#include "scripts.hpp"
#include "state/ask.hpp"
#include "state/chat/keys.hpp"
#include "state/inspect/examine.hpp"
#include "state/inspect/mends.hpp"

namespace hiky::state {
namespace {

namespace prefix = keys::prefix;

// {0} is the user, {1} a connection.
constexpr std::array user_texts{
    finding_text{"connection_of_nobody", "ws:user_connections:{0}",
                 "connection {1} of {0} is no JSON of ours and names no instance",
                 "each connection names its instance, which ends it", "ended it"},
    finding_text{"connection_of_unknown_instance", "ws:user_connections:{0}",
                 "connection {1} of {0} is on an instance without a lease, which does not list it",
                 "instances with connections hold a lease in ws:instances", "ended it"},
    finding_text{"connection_of_dead_instance", "ws:user_connections:{0}",
                 "connection {1} of {0} is on an instance whose lease has ended, which does not list it",
                 "living instances end what a dead one held", "ended it"},
    finding_text{"connection_not_listed", "ws:user_connections:{0}",
                 "connection {1} of {0} is not listed by its instance",
                 "it is listed, or nobody ends it if the instance dies", "listed it"},
    finding_text{"ghost", "ws:online_users", "{0} counts as online without a connection",
                 "who is online has a connection", "removed; the others will be told"},
    finding_text{"client_without_connection", "ws:clients", "{0} has an entry without a connection",
                 "the entry goes with the last connection", "removed the entry"},
    finding_text{"connected_but_not_online", "ws:online_users", "{0} has a connection and does not count as online",
                 "who has a connection is online", "added"},
    finding_text{"client_missing", "ws:clients", "{0} has a connection, but no readable entry",
                 "a JSON object about the newest connection", "written anew from the connection"},
    finding_text{"client_miscounted", "ws:clients", "the entry of {0} has another number of connections than there are",
                 "`connections` counts them", "counted anew"},
};

}  // namespace

task<result<std::vector<observation>>> examine_users(redis::client& redis, std::vector<subject> subjects, mending how) {
  static redis::script const script{scripts::fsck_users_lua};
  std::string const used_keys[]{std::string{keys::online_users}, std::string{keys::clients},
                                std::string{keys::instances}, std::string{keys::sweeps},
                                std::string{keys::pending_offline}};
  auto call = script.call(used_keys, 4 + subjects.size());
  call.arg(how.repair ? "repair" : "")
      .arg(prefix::user_connections)
      .arg(prefix::instance_connections)
      .arg(sweep_patience_ms);
  for (auto const& s : subjects) call.arg(s.name);
  auto const answer = co_await script.run(redis, std::move(call));
  if (!answer) co_return std::unexpected(in_context(answer.error(), "fsck_users.lua", keys::online_users));
  std::vector<observation> out;
  for (auto const& each : (*answer)[0].items()) {
    auto const part = each.items();
    if (part.size() != 6)
      co_return fail(errc::unexpected_reply, "fsck_users.lua returned something else than its table says");
    auto const kind = part[1].text();
    user_id const user{part[0].text()};
    out.push_back({{subject_kind::user, user.str()}, make_finding(user_texts, kind, user, part[2].text(), how.repair)});
    bool const to_end = kind == "connection_of_nobody" || kind == "connection_of_unknown_instance" ||
                        kind == "connection_of_dead_instance";
    if (!how.repair || !to_end) continue;
    auto const since = part[4].text().empty() ? part[5].integer() : part[4].integer() - doubted_ms;
    auto const ended =
        co_await end_connection(redis, connection_id{part[2].text()}, instance_id{part[3].text()}, user, since);
    if (!ended) co_return std::unexpected(ended.error());
  }
  co_return out;
}

}  // namespace hiky::state
