// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/doubts.hpp"

#include <boost/asio/steady_timer.hpp>

#include <utility>
#include <vector>

#include "chat/requests/spawn.hpp"

namespace hiky::chat {

using namespace std::chrono_literals;

namespace {
constexpr auto patience = 200ms;  // before a question that failed is asked again
}

void doubts::add(session& s) {
  if (s.gone || !s.registered) return;
  mark(s);
  turns_.settle(s);  // at the end of the session's turn, or of a turn that is taken for this alone
  try_later(s);
}

void doubts::try_later(session& s) {
  waiting_.insert(&s);
  if (!std::exchange(running_, true)) spawn(ex_, run());
}

// With a pause before each try.
task<> doubts::run() {
  asio::steady_timer pause{ex_};
  while (!waiting_.empty()) {
    pause.expires_after(patience);
    co_await pause.async_wait(use_task);
    std::erase_if(waiting_, [](session_ptr const& s) { return s->gone || (!*s->doubted && !s->mail->unclaimed); });
    for (auto const& s : std::vector<session_ptr>{waiting_.begin(), waiting_.end()}) {
      if (s->mail->unclaimed && s->registered) mark(*s);
      if (*s->doubted) turns_.settle(*s);
    }
  }
  running_ = false;
}

}  // namespace hiky::chat
