// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "redis/script.hpp"
#include "scripts.hpp"
#include "state/ask.hpp"
#include "state/chat/keys.hpp"
#include "state/inspect/examine.hpp"

namespace hiky::state {
namespace {

namespace prefix = keys::prefix;

// {0} is the user, {1} the room.
constexpr std::array pair_texts{
    finding_text{"member_without_room", "ws:member_rooms:{0}",
                 "{0} is a member of {1}, but their list of rooms lacks it", "both sets name each other",
                 "added {1} to the list"},
    finding_text{"room_without_member", "ws:room_members:{1}",
                 "{0}'s list of rooms has {1}, but the room does not count them as a member",
                 "both sets name each other", "made them a member"},
    finding_text{
        "participant_without_connection", "ws:room_participants:{1}", "{0} takes part in {1} without a connection",
        "only who has a connection takes part; the others' messages are queued", "removed from the participants"},
    finding_text{"rooms_without_connection", "ws:user_rooms:{0}",
                 "{0} has no connection, but {1} is among the rooms they are in now",
                 "the list goes with the last connection", "removed {1}"},
    finding_text{
        "absence_not_counted", "ws:room_absent:{1}", "{0}, a member of {1}, is away and not counted as absent",
        "members without a connection are counted, so that messages are queued for them without comparing sets",
        "counted as absent"},
    finding_text{"member_takes_no_part", "ws:room_participants:{1}",
                 "{0}, a member of {1}, has a connection and takes no part", "members with a connection take part",
                 "takes part, and the user's instances have been told"},
    finding_text{"half_joined", "ws:user_rooms:{0}", "{0} is in {1} by one of user_rooms and room_participants only",
                 "both or none", "user_rooms follows room_participants"},
    finding_text{"absent_but_here", "ws:room_absent:{1}", "{0} is counted as absent from {1}, but has a connection",
                 "only members without a connection are", "not counted any more"},
    finding_text{"joined_without_part", "ws:joined_room_participants:{1}", "{0} has {1} open without taking part in it",
                 "who has it open takes part", "removed"},
    finding_text{"absent_without_membership", "ws:room_absent:{1}",
                 "{0} is counted as absent from {1}, but is no member", "only members are counted",
                 "not counted any more"},
};

}  // namespace

task<result<std::vector<observation>>> examine_pairs(redis::client& redis, std::vector<subject> subjects, mending how) {
  static redis::script const script{scripts::fsck_pairs_lua};
  auto call = script.call({}, 10 + 2 * subjects.size());
  call.arg(how.repair ? "repair" : "")
      .arg(prefix::user_connections)
      .arg(prefix::room_members)
      .arg(prefix::member_rooms);
  call.arg(prefix::room_participants)
      .arg(prefix::user_rooms)
      .arg(prefix::joined_room_participants)
      .arg(prefix::room_absent);
  call.arg(keys::instance_channels(redis.where().database)).arg(prefix::room_head);
  for (auto const& s : subjects) call.arg(s.name).arg(s.other);
  auto const answer = co_await script.run(redis, std::move(call));
  if (!answer) co_return std::unexpected(in_context(answer.error(), "fsck_pairs.lua", ""));
  std::vector<observation> out;
  for (auto const& each : (*answer)[0].items()) {
    auto const part = each.items();
    if (part.size() != 3)
      co_return fail(errc::unexpected_reply, "fsck_pairs.lua returned something else than its table says");
    out.push_back({{subject_kind::pair, std::string{part[0].text()}, std::string{part[1].text()}},
                   make_finding(pair_texts, part[2].text(), part[0].text(), part[1].text(), how.repair)});
  }
  co_return out;
}

}  // namespace hiky::state
