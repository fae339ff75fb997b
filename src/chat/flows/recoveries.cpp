// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/recoveries.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "chat/flows/replay.hpp"

namespace hiky::chat {

task<result<log_reading>> recoveries::read_after(room_id room, std::uint64_t seq, reading_limits most) {
  constexpr auto page_bytes = state::room_log::page_bytes;
  auto const size = [](auto const& messages) {
    return std::accumulate(messages.begin(), messages.end(), std::size_t{0},
                           [](auto sum, auto const& m) { return sum + m.frame.size(); });
  };
  log_reading out;
  auto& count = out.count;
  while (count == 0 || (out.page.more && count < most.messages && out.bytes + page_bytes <= most.bytes)) {
    bool const kept = out.bytes < most.kept_bytes;
    auto const turn = kept ? lane::turn{} : co_await heavy_.enter();
    auto next = co_await store_.room_log.after(room, count == 0 ? seq : out.last, most.messages - count,
                                               std::min(most.bytes, page_bytes));
    heavy_.leave(turn);
    if (!next) co_return std::unexpected(next.error());
    if (count > 0 && next->epoch != out.page.epoch)
      break;  // the room was lost meanwhile: the messages that were read are all there are
    if (count == 0) {
      out.page.epoch = next->epoch;
      out.page.oldest = next->oldest;
      if (!next->messages.empty()) out.first = next->messages.front().seq;
    }
    out.page.newest = next->newest;
    out.page.more = next->more;
    if (next->messages.empty()) break;
    count += next->messages.size();
    out.bytes += size(next->messages);
    out.last = next->messages.back().seq;
    if (kept) std::ranges::move(next->messages, std::back_inserter(out.page.messages));
  }
  co_return out;
}

task<result<recovery>> recoveries::recover(room_id room, std::string since, reading_limits most) {
  auto const last = state::parse_message_id(since);
  auto found = co_await read_after(room, last ? last->seq : 0, most);
  if (!found) co_return std::unexpected(found.error());
  recovery out{room};
  if (!last || found->page.epoch != last->epoch) {
    // Redis lost the room's head in between: the client's place can't be compared with the log. The client gets all
    // messages of the log.
    if (last && last->seq > 0) found = co_await read_after(room, 0, most);
    if (!found) co_return std::unexpected(found.error());
  } else if (last->seq > found->page.newest) {
    // Redis went back to an earlier state and has lost messages that the client has.
    out.recovered = false;
  } else {
    auto const first = found->first == 0 ? found->page.newest + 1 : found->first;
    auto const end = found->last == 0 ? found->page.newest : found->last;
    out.recovered = first <= last->seq + 1 && end >= found->page.newest;
    if (first > last->seq + 1) {
      out.lost_from = last->seq + 1;
      out.lost_to = first - 1;
    } else if (end < found->page.newest) {
      // There are more messages than one answer brings: `history` brings the rest.
      out.lost_from = end + 1;
      out.lost_to = found->page.newest;
    }
  }
  auto& page = found->page;
  if (found->first != 0) out.brought = {page.epoch, found->first, found->last};
  out.now = {page.epoch, page.newest};
  out.count = found->count;
  out.bytes = found->bytes;
  for (auto& m : page.messages) {
    out.messages.push_back(std::move(m.frame));
    out.at_hand = m.seq;
  }
  if (!out.recovered) count_.unrecovered.add();
  co_return out;
}

task<result<std::vector<recovery>>> recoveries::recover_all(std::vector<room_id> const& rooms,
                                                            std::vector<std::pair<room_id, std::string>> wanted) {
  std::vector<recovery> out;
  auto left = limits_.resumed_bytes, keep = replayed_at_once;
  for (auto& [room, since] : wanted) {
    if (std::ranges::find(rooms, room) == rooms.end()) {
      out.push_back({room});
      continue;
    }
    auto found =
        co_await recover(room, std::move(since), {limits_.replayed, std::min(left, limits_.replayed_bytes), keep});
    if (!found) co_return std::unexpected(found.error());
    left -= std::min(left, found->bytes);
    keep -= std::min(keep, found->bytes);
    out.push_back(std::move(*found));
  }
  co_return out;
}

void note_recovery(session& s, std::string const& since, recovery const& found, bool on_connection) {
  auto const last = state::parse_message_id(since);
  if (last && (last->epoch != found.now.epoch || last->seq <= found.now.seq)) s.ledger.claims(*last, on_connection);
  s.ledger.brought({found.brought.epoch, found.brought.first, found.brought.last});
  // The bus may be behind: messages of an epoch that Redis has lost would come after messages of the new epoch.
  if (found.now.epoch.empty()) return;
  auto const* const e = s.ledger.find(found.room);
  if (e && e->room->last.epoch != found.now.epoch) s.ledger.lost(std::string{e->room->last.epoch});
  auto const of_another = [&](delivery::ledger::entry const& other) {
    return &other != e && last && other.room->last.epoch == last->epoch;
  };
  if (last && last->epoch != found.now.epoch && std::ranges::none_of(s.ledger.rooms(), of_another))
    s.ledger.lost(last->epoch);
}

}  // namespace hiky::chat
