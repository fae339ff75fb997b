// SPDX-License-Identifier: Apache-2.0
// The messages of rooms since a client's last message, as far as the logs have them. Reads; sends nothing. One per
// worker.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "chat/counters.hpp"
#include "chat/protocol/protocol.hpp"
#include "chat/requests/flow_limits.hpp"
#include "chat/requests/lane.hpp"
#include "chat/session.hpp"
#include "state/chat/store.hpp"

namespace hiky::chat {

// How much is read at most, and how much of that stays in memory.
struct reading_limits {
  std::size_t messages;
  std::size_t bytes;
  std::size_t kept_bytes;
};

// The part of a room's log that was read. `page` holds its beginning; `more` and `newest` in `page` are those of its
// end.
struct log_reading {
  state::log_page page;
  std::uint64_t first = 0, last = 0;  // seqs; 0: nothing was found
  std::size_t count = 0, bytes = 0;
};

class recoveries {
 public:
  recoveries(state::store& store, lane& heavy, flow_limits const& limits, counters& count)
      : store_(store), heavy_(heavy), limits_(limits), count_(count) {}

  // The room's log after `seq`, page by page, as long as `bytes` has room for one more. Only the beginning,
  // `kept_bytes` or a page more, stays in memory; pages that do not wait for their turn in the lane of heavy work.
  task<result<log_reading>> read_after(room_id room, std::uint64_t seq, reading_limits most);
  // The messages of `room` since the client's last message, or those that the log still has.
  task<result<recovery>> recover(room_id room, std::string since, reading_limits most);
  // The same for all rooms of a resume. Nothing is recovered for a room that is not among `rooms`.
  task<result<std::vector<recovery>>> recover_all(std::vector<room_id> const& rooms,
                                                  std::vector<std::pair<room_id, std::string>> wanted);

 private:
  state::store& store_;
  lane& heavy_;
  flow_limits const& limits_;
  counters& count_;
};

// The client has the message that it names, and gets the messages that were found. If Redis has lost the named message,
// its number will be given to another message.
void note_recovery(session& s, std::string const& since, recovery const& found, bool on_connection);

}  // namespace hiky::chat
