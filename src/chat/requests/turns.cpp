// SPDX-License-Identifier: Apache-2.0
#include "chat/requests/turns.hpp"

#include <boost/asio/steady_timer.hpp>

#include "base/log.hpp"
#include "chat/requests/spawn.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {
constexpr auto rest_length = 100ms;
}

turns::turns(asio::any_io_executor executor, turn_owner& owner, flow_limits const& limits, counters& count)
    : ex_(std::move(executor)), owner_(owner), limits_(limits), count_(count) {}

void turns::receive(session& s, std::string_view text, steady_clock::time_point came) {
  if (s.turn->busy) queue(s, text, came);
  else owner_.perform(&s, text, came);
}

void turns::queue(session& s, std::string_view text, steady_clock::time_point came) {
  auto& turn = s.turn.mine();
  if (!turn.backlog) turn.backlog = std::make_unique<std::deque<turn_state::waiting_request>>();
  turn.backlog->push_back({std::string{text}, came});
  turn.backlog_bytes += static_cast<std::uint32_t>(text.size());
  auto const full = [this](std::size_t requests, std::size_t bytes) {
    return requests >= limits_.backlog || bytes >= limits_.backlog_bytes;
  };
  if (!full(turn.backlog->size(), turn.backlog_bytes)) return;
  if (!full(turn.backlog->size() - 1, turn.backlog_bytes - text.size())) count_.full_backlogs.add();
  s.read_more(false);
}

void turns::run(session_ptr s, task<> work) {
  s->turn.mine().busy = true;
  spawn(ex_, take(std::move(s), std::move(work)));
}

void turns::settle(session& s) {
  if (!s.turn->busy) run(&s, []() -> task<> { co_return; }());
}

void turns::rest(session& s) {
  count_.rests.add();
  s.turn.mine().resting = true;
  s.read_more(false);
  settle(s);
}

task<> turns::take(session_ptr s, task<> work) {
  try {
    bool const known = owner_.is_known(*s);
    co_await std::move(work);
    if (owner_.is_unsettled(*s, known)) co_await owner_.settle(s, known);
  } catch (std::exception const& bug) {
    owner_.failed(*s, bug.what());
  }
  auto& turn = s->turn.mine();
  if (turn.resting) {
    asio::steady_timer pause{ex_, rest_length};
    co_await pause.async_wait(use_task);
    turn.resting = false;
  }
  turn.busy = false;
  owner_.turn_ended(*s);
  resume(*s);
  if (!turn.end_waits || turn.busy) co_return;
  turn.end_waits = false;
  --ends_waiting_;
  ending_bytes_ -= turn.backlog_bytes;
  owner_.closed(*s);
}

void turns::resume(session& s) {
  auto& turn = s.turn.mine();
  while (!turn.busy && turn.backlog) {
    if (turn.backlog->empty()) {
      turn.backlog.reset();
      break;
    }
    auto const [text, came] = std::move(turn.backlog->front());
    turn.backlog->pop_front();
    if (!s.gone) turn.backlog_bytes -= static_cast<std::uint32_t>(text.size());
    owner_.perform(&s, text, came);
  }
  // Not only when all is done, or what the client says next would be long in coming.
  bool const half_full =
      turn.backlog && (turn.backlog->size() > limits_.backlog / 2 || turn.backlog_bytes > limits_.backlog_bytes / 2);
  if (!half_full && !turn.resting) s.read_more(true);
}

void turns::drop_backlog(session& s) {
  auto& turn = s.turn.mine();
  turn.backlog.reset();
  if (!s.gone) turn.backlog_bytes = 0;  // else they are counted already
}

bool turns::puts_off_end(session& s) {
  auto& turn = s.turn.mine();
  if (!turn.busy) return false;
  ++ends_waiting_;
  turn.end_waits = true;
  if (ending_bytes_ + turn.backlog_bytes > limits_.ending_bytes) {
    log::warn("session.requests_dropped", {{"connection", s.id.str()},
                                           {"trace", s.trace_id()},
                                           {"user", s.user.str()},
                                           {"requests", turn.backlog ? turn.backlog->size() : 0}});
    if (turn.backlog) count_.requests_dropped.add(turn.backlog->size());
    turn.backlog.reset();
    turn.backlog_bytes = 0;
  }
  ending_bytes_ += turn.backlog_bytes;  // which counts no further down
  return true;
}

}  // namespace hiky::chat
