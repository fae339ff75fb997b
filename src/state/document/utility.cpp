// SPDX-License-Identifier: Apache-2.0
#include "state/document/utility.hpp"

#include "state/ask.hpp"
#include "state/document/keys.hpp"

namespace hiky::state {

namespace {

constexpr int batch = 1000;

}  // namespace

task<result<std::size_t>> utility::cleanup(std::function<void(std::size_t)> progress) {
  std::size_t removed = 0;
  std::string cursor = "0";
  std::vector<std::string> found;
  bool more = true;
  while (more || !found.empty()) {
    // One round trip removes what the last one found and looks for more.
    redis::request step;
    if (!found.empty()) {
      step.begin(1 + found.size()).arg("UNLINK");
      for (auto const& key : found) step.arg(key);
    }
    if (more) step.add("SCAN", cursor, "MATCH", keys::pattern, "COUNT", batch);
    auto const answer = co_await redis_.exec(std::move(step));
    if (!answer) co_return std::unexpected(in_context(answer.error(), "SCAN + UNLINK", keys::pattern));
    if (!found.empty()) removed += static_cast<std::size_t>((*answer)[0].integer());
    found.clear();
    if (progress) progress(removed);
    if (!more) break;
    auto const scan = (*answer)[answer->size() - 1].items();
    if (scan.size() != 2)
      co_return std::unexpected(in_context({errc::unexpected_reply, "SCAN gave no cursor"}, "SCAN", keys::pattern));
    cursor = scan[0].text();
    more = cursor != "0";
    found = scan[1].strings();
  }
  co_return removed;
}

task<result<std::string>> utility::info() {
  return answer<std::string>(redis_.exec(redis::request{"INFO"}), "INFO", {});
}
task<result<void>> utility::ping() { return answer<void>(redis_.exec(redis::request{"PING"}), "PING", {}); }

}  // namespace hiky::state
