// SPDX-License-Identifier: Apache-2.0
#include "chat/flows/letter.hpp"

#include <boost/asio/post.hpp>

namespace hiky::chat {

namespace {

constexpr std::size_t opened_at_once = 256 * 1024;  // bytes of messages that are parsed at a stretch

letter open_letter(std::string_view text) {
  letter out;
  auto parsed = parse_json(text);
  if (!parsed || !parsed->is_object()) return out;
  auto const member = [&](std::string_view name) -> std::string_view {
    auto const* const found = parsed->get_object().if_contains(name);
    return found && found->is_string() ? std::string_view{found->get_string()} : std::string_view{};
  };
  out.message_id = member("messageId");
  out.room = member("roomId");
  out.place = state::parse_message_id(out.message_id);
  out.text = std::move(*parsed);
  return out;
}

}  // namespace

task<std::vector<letter>> open_all(asio::any_io_executor executor, std::span<std::string_view const> texts) {
  std::vector<letter> out;
  out.reserve(texts.size());
  std::size_t bytes = 0;
  for (auto const& text : texts) {
    out.push_back(open_letter(text));
    bytes += text.size();
    if (bytes < opened_at_once) continue;
    bytes = 0;
    co_await asio::post(executor, use_task);
  }
  co_return out;
}

}  // namespace hiky::chat
