// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/history_flow.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "base/clock.hpp"

namespace hiky::chat {

using namespace asio::experimental::awaitable_operators;

namespace {

constexpr std::uint64_t max_seq = 1ULL << 62;
constexpr std::size_t page_bytes = 64 * 1024;  // of history: a page of this size ends before `limit`
constexpr std::uint32_t greed_ms = 1000;       // from one large page to the next

}  // namespace

task<> history_flow::messages(session_ptr s, std::optional<std::string> id, get_history r) {
  auto const edge = state::parse_message_id(r.before ? *r.before : r.after ? *r.after : std::string{});
  auto const seq = edge ? edge->seq : r.after ? 0 : max_seq;
  bool const greedy = *s->greedy_ms != 0 && now_ms() - *s->greedy_ms < greed_ms;
  auto const turn = greedy ? co_await heavy_.enter() : lane::turn{};
  // Redis knows the members of the room; this worker may not have the news of a removal yet. Both questions leave
  // together.
  auto [member, page] = co_await (store_.members.contains(r.room, s->user) &&
                                  (r.after ? store_.room_log.after(r.room, seq, r.limit, page_bytes)
                                           : store_.room_log.before(r.room, seq, r.limit, page_bytes)));
  heavy_.leave(turn);
  if (!page || !member) co_return answers_.refuse(*s, std::move(id), page ? member.error() : page.error());
  if (!*member) {
    doubts_.add(*s);
    co_return answers_.refuse(*s, std::move(id), error{errc::not_member, {}});
  }
  if (edge && edge->epoch != page->epoch) {
    co_return answers_.refuse(
        *s, {error_code::invalid_argument,
             "this messageId is from before the room's log was lost; ask without before and after", std::move(id)});
  }
  std::vector<std::string> messages;
  std::size_t bytes = 0;
  for (auto& m : page->messages) {
    bytes += m.frame.size();
    messages.push_back(std::move(m.frame));
  }
  if (bytes > page_bytes / 4) s->greedy_ms.mine() = now_ms();
  answers_.send_charged(*s, history(id, r.room, messages, !page->more));
}

task<> history_flow::participants(session_ptr s, std::optional<std::string> id, get_participants r) {
  auto const [member, page] = co_await (store_.members.contains(r.room, s->user) &&
                                        store_.members.participants(r.room, {r.limit, std::move(r.from)}));
  if (!member) co_return answers_.refuse(*s, std::move(id), member.error());
  if (!*member) {
    doubts_.add(*s);
    co_return answers_.refuse(*s, std::move(id), error{errc::not_member, {}});
  }
  if (page) co_return answers_.send_charged(*s, chat::participants(id, r.room, *page));
  if (page.error().code == errc::invalid_argument)
    co_return answers_.refuse(*s, {error_code::invalid_argument, page.error().text, std::move(id)});
  answers_.refuse(*s, std::move(id), page.error());
}

}  // namespace hiky::chat
