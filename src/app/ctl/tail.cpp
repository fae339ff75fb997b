// SPDX-License-Identifier: Apache-2.0
// Follows a room. The log is what is shown, in its order and without holes; the room's channel only says when to look
// again, so a lost push, or a lost connection, costs nothing but time.
#include <fmt/format.h>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/serialize.hpp>

#include "app/ctl/commands.hpp"
#include "base/clock.hpp"
#include "chat/bus/bus_message.hpp"
#include "state/chat/channels.hpp"
#include "state/chat/room_log.hpp"
#include "state/inspect/room_summary.hpp"

namespace hiky::ctl {
namespace {

using namespace std::chrono_literals;

constexpr auto look_anyway = 1s;  // a push may be lost
constexpr std::size_t at_once = 200;

class follower {
 public:
  follower(session& s, tail_question how)
      : s_(s),
        how_(std::move(how)),
        log_(s.ws, s.database(), {}),
        listener_(s.ws.executor(), s.ws.where()),
        wake_(s.ws.executor()) {
    channel_ = state::channels{s.database()}.of_room(how_.room);
    listener_.on_push([this](std::span<redis::node const> m) { pushed(m); }, [] {});
    listener_.on_state([this](bool up) {
      if (up) listener_.send(redis::request{"SUBSCRIBE", channel_});
    });
  }
  ~follower() { listener_.stop(); }

  task<result<void>> run() {
    listener_.start();
    auto page = co_await log_.before(how_.room, std::uint64_t{1} << 62, std::max<std::size_t>(how_.backlog, 1));
    if (!page) co_return std::unexpected(page.error());
    epoch_ = page->epoch;
    last_ = page->newest;
    if (how_.backlog > 0) show(*page);
    bool away = false;
    while (going_ && (how_.most == 0 || shown_ < how_.most)) {
      wake_.expires_after(fresh_ ? 0s : look_anyway);
      fresh_ = false;
      boost::system::error_code ignored;
      co_await wake_.async_wait(asio::redirect_error(use_task, ignored));
      auto next = co_await log_.after(how_.room, last_, at_once);
      if (!next && !is_transient(next.error())) co_return std::unexpected(next.error());
      if (std::exchange(away, !next) != away)
        s_.note(away ? "Redis can't be reached; waiting for it" : "Redis is back");
      if (!next) {
        asio::steady_timer pause{s_.ws.executor(), 300ms};
        co_await pause.async_wait(use_task);
        continue;
      }
      advance(std::move(*next));
    }
    co_return result<void>{};
  }

 private:
  void advance(state::log_page page) {
    if (page.epoch != epoch_) {
      if (!epoch_.empty()) s_.note("the room's log was lost; its messages are counted anew");
      epoch_ = page.epoch;
      // The page was asked for by the old count: look again from the start.
      last_ = 0;
      fresh_ = !page.epoch.empty();
      return;
    }
    if (page.messages.empty()) return;
    if (auto const first = page.messages.front().seq; first > last_ + 1) {
      s_.note(
          fmt::format("{} are no longer in the log", counted(static_cast<std::int64_t>(first - last_ - 1), "message")));
    }
    show(page);
    last_ = page.messages.back().seq;
    fresh_ = page.messages.size() == at_once;
  }

  void show(state::log_page const& page) {
    for (auto const& m : page.messages) {
      if (how_.most > 0 && shown_ >= how_.most) return;
      ++shown_;
      if (s_.as == face::json) {
        going_ = s_.emit(json_line(m.frame) + "\n") && going_;
        continue;
      }
      auto const text = [&](std::string_view name) {
        auto const raw = raw_member(m.frame, name).value_or("-");
        auto const parsed = parse_json(raw);
        return parsed && parsed->is_string() ? std::string{parsed->get_string()} : std::string{raw};
      };
      line(text("timestamp"), text("senderId"), text("content"));
    }
  }

  void line(std::string const& time, std::string const& who, std::string const& what) {
    auto const gap = s_.as == face::terminal ? "  " : "\t";
    going_ = s_.emit(fmt::format("{}{}{}{}{}\n", visible(time), gap, visible(who), gap, visible(what))) && going_;
  }

  void pushed(std::span<redis::node const> message) {
    if (message.size() < 4 || message[1].value != "message") return;
    fresh_ = true;
    wake_.cancel();
    if (!how_.events) return;
    auto const m = chat::parse_bus_message(how_.room.str(), message[3].value);
    if (!m || std::holds_alternative<chat::notice::message>(*m)) return;
    auto const payload = std::string_view{message[3].value};
    auto const body = payload.substr(std::min(payload.size(), payload.find('\n') + 1));
    if (s_.as == face::json) going_ = s_.emit(json_line(body) + "\n") && going_;
    else std::visit([&](auto const& news) { line_of(news, body); }, *m);
  }

  template <class News>
  void line_of(News const& news, std::string_view body) {
    if constexpr (requires { news.user; }) {
      line(iso8601_now(), news.user.empty() ? "-" : news.user, event_text(news, body));
    } else {
      line(iso8601_now(), "-", event_text(news, body));
    }
  }

  static std::string event_text(chat::notice::typing const&, std::string_view body) {
    return raw_member(body, "isTyping") == "true" ? "* types" : "* types no more";
  }
  static std::string event_text(chat::notice::joined const&, std::string_view) { return "* joined"; }
  static std::string event_text(chat::notice::left const&, std::string_view) { return "* left"; }
  static std::string event_text(chat::notice::offline const&, std::string_view) { return "* is offline"; }
  template <class Other>
  static std::string event_text(Other const&, std::string_view body) {
    return fmt::format("* {}", body);
  }

  session& s_;
  tail_question how_;
  state::room_log log_;
  redis::client listener_;
  asio::steady_timer wake_;
  std::string channel_, epoch_;
  std::uint64_t last_ = 0;
  std::size_t shown_ = 0;
  bool fresh_ = false, going_ = true;
};

}  // namespace

outcome tail(session& s, tail_question how) {
  follower f{s, std::move(how)};
  if (auto const followed = co_await f.run(); !followed) co_return std::unexpected(followed.error());
  co_return report{.streamed = true};
}

}  // namespace hiky::ctl
