// SPDX-License-Identifier: Apache-2.0
// What happens right now, sample after sample: who is here, what Redis does, and which rooms talk most. All from Redis
// itself: it shows the whole of all instances.
#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <map>

#include "app/ctl/commands.hpp"
#include "base/clock.hpp"
#include "directory/foreign_text.hpp"
#include "state/inspect/instances.hpp"
#include "state/keys.hpp"

namespace hiky::ctl {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr std::size_t most_rooms = 10'000;  // whose messages are counted
constexpr std::size_t rooms_shown = 10;
constexpr auto rooms_are_known_for = 10s;  // at most; where a look for them takes long, it takes a tenth of the time

struct counts {
  steady::time_point at;
  std::int64_t online = 0, typing = 0, going = 0;  // `going`: offline, and not announced yet
  std::int64_t commands = 0, in_bytes = 0, out_bytes = 0, memory = 0, redis_clients = 0;
  std::vector<state::instance_view> instances;
  std::map<std::string, std::uint64_t> rooms;  // name → seq
  bool all_rooms = false;                      // what is not among them was not there
};

struct busy_room {
  std::string name;
  double messages_s = 0;
};

std::int64_t field(std::string_view info, std::string_view name) {
  auto const at = info.find(fmt::format("\n{}:", name));
  if (at == std::string_view::npos) return 0;
  auto const digits = info.substr(at + name.size() + 2);
  std::int64_t out = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return out;
}

std::string size_text(double bytes) {
  constexpr std::string_view units[]{"B", "KiB", "MiB", "GiB"};
  std::size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < std::size(units); ++unit) bytes /= 1024;
  return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.1f} {}", bytes, units[unit]);
}

// A terminal that gives keys as they are pressed, and is given back as it was.
class raw_keys {
 public:
  raw_keys() {
    if (isatty(STDIN_FILENO) != 1 || tcgetattr(STDIN_FILENO, &before_) != 0) return;
    auto raw = before_;
    raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    raw.c_cc[VMIN] = 1;
    changed_ = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
  }
  ~raw_keys() {
    if (changed_) tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  raw_keys(raw_keys const&) = delete;
  raw_keys& operator=(raw_keys const&) = delete;
  bool on() const { return changed_; }

 private:
  termios before_{};
  bool changed_ = false;
};

class watcher {
 public:
  watcher(session& s, top_question how)
      : s_(s), how_(how), pause_(s.ws.executor()), signals_(s.ws.executor()), keys_(s.ws.executor()) {}

  task<result<void>> run() {
    raw_keys const raw;
    bool const live = s_.as == face::terminal && how_.samples != 1;
    if (live) listen(raw);
    auto before = co_await count();
    if (!before) co_return std::unexpected(before.error());
    for (std::size_t shown = 0; going_ && (how_.samples == 0 || shown < how_.samples); ++shown) {
      pause_.expires_after(how_.interval);
      boost::system::error_code stopped;
      co_await pause_.async_wait(asio::redirect_error(use_task, stopped));
      if (!going_) break;
      auto now = co_await count();
      if (!now) co_return std::unexpected(now.error());
      auto text = sample_text(*before, *now);
      if (live) text = fmt::format("\x1b[H\x1b[J{}\nq ends\n", text);
      else if (shown > 0 && s_.as != face::json) text.insert(0, 1, '\n');
      going_ = s_.emit(text) && going_;
      before = std::move(now);
    }
    signals_.cancel();
    if (keys_.is_open()) keys_.release();
    co_return result<void>{};
  }

 private:
  void listen(raw_keys const& raw) {
    signals_.add(SIGINT);
    signals_.add(SIGTERM);
    signals_.async_wait([this](boost::system::error_code ec, int) {
      if (!ec) end();
    });
    if (raw.on()) {
      keys_.assign(STDIN_FILENO);
      wait_for_key();
    }
  }
  void wait_for_key() {
    keys_.async_read_some(asio::buffer(&key_, 1), [this](boost::system::error_code ec, std::size_t) {
      if (ec) return;
      if (key_ == 'q' || key_ == 'Q') end();
      else wait_for_key();
    });
  }
  void end() {
    going_ = false;
    pause_.cancel();
  }

  task<result<counts>> count() {
    namespace keys = state::keys;
    counts out;
    batch asked;
    asked.add("SCARD", keys::online_users)
        .add("HLEN", keys::typing_users)
        .add("ZCARD", keys::pending_offline)
        .add("INFO", "default");
    auto const reply = co_await all_of(s_.ws, std::move(asked));
    if (!reply) co_return std::unexpected(reply.error());
    out.at = steady::now();
    out.online = (*reply)[0].integer();
    out.typing = (*reply)[1].integer();
    out.going = (*reply)[2].integer();
    auto const info = (*reply)[3].text();
    out.commands = field(info, "total_commands_processed");
    out.in_bytes = field(info, "total_net_input_bytes");
    out.out_bytes = field(info, "total_net_output_bytes");
    out.memory = field(info, "used_memory");
    out.redis_clients = field(info, "connected_clients");
    auto instances = co_await state::list_instances(s_.ws);
    if (!instances) co_return std::unexpected(instances.error());
    out.instances = std::move(*instances);
    if (auto const begin = steady::now(); begin >= next_scan_) {
      auto const found = co_await scan(s_.ws, std::string{keys::prefix::room_head} + "*");
      if (!found) co_return std::unexpected(found.error());
      heads_ = *found;
      out.all_rooms = heads_.size() <= most_rooms;
      if (heads_.size() > most_rooms) heads_.resize(most_rooms);
      next_scan_ = begin + std::min<steady::duration>(rooms_are_known_for, 10 * (steady::now() - begin));
    }
    for (std::size_t begin = 0; begin < heads_.size(); begin += 1000) {
      auto const end = std::min(heads_.size(), begin + 1000);
      redis::request ask;
      for (auto i = begin; i < end; ++i) ask.add("HGET", heads_[i], "seq");
      auto const seqs = co_await s_.ws.exec_each(std::move(ask));
      if (!seqs) co_return std::unexpected(seqs.error());
      for (auto i = begin; i < end; ++i) {
        out.rooms[heads_[i].substr(keys::prefix::room_head.size())] =
            static_cast<std::uint64_t>(std::max<std::int64_t>(0, (*seqs)[i - begin].integer()));
      }
    }
    co_return out;
  }

  std::string sample_text(counts const& before, counts const& now) const {
    auto const seconds = std::max(0.001, std::chrono::duration<double>(now.at - before.at).count());
    auto const rate = [&](std::int64_t b, std::int64_t n) {
      return static_cast<double>(std::max<std::int64_t>(0, n - b)) / seconds;
    };
    std::vector<busy_room> busy;
    double messages = 0;
    for (auto const& [name, seq] : now.rooms) {
      // A room that was not there a sample ago was born since. One that was perhaps only not known is counted from the
      // next sample on.
      auto const known = before.rooms.find(name);
      if (known == before.rooms.end() && !before.all_rooms) continue;
      auto const from = known == before.rooms.end() ? 0 : known->second;
      if (seq <= from) continue;
      busy.push_back({name, static_cast<double>(seq - from) / seconds});
      messages += busy.back().messages_s;
    }
    std::ranges::sort(busy, std::greater{}, &busy_room::messages_s);
    if (busy.size() > rooms_shown) busy.resize(rooms_shown);
    std::int64_t connections = 0;
    for (auto const& i : now.instances) connections += i.connections;

    report out;
    json::array rooms;
    for (auto const& b : busy)
      rooms.push_back(json::object{{"room", foreign(b.name)}, {"messagesPerSecond", b.messages_s}});
    json::object redis{{"commandsPerSecond", rate(before.commands, now.commands)},
                       {"inBytesPerSecond", rate(before.in_bytes, now.in_bytes)},
                       {"outBytesPerSecond", rate(before.out_bytes, now.out_bytes)},
                       {"memoryBytes", now.memory},
                       {"clients", now.redis_clients}};
    out.json = directory::mended_utf8(json::serialize(json::object{{"timestamp", iso8601_now()},
                                                                   {"online", now.online},
                                                                   {"connections", connections},
                                                                   {"typing", now.typing},
                                                                   {"leaving", now.going},
                                                                   {"messagesPerSecond", messages},
                                                                   {"redis", std::move(redis)},
                                                                   {"instances", to_json(now.instances)},
                                                                   {"busiestRooms", std::move(rooms)}}));
    out.rows = {{"time", iso8601_now()},
                {"online", fmt::to_string(now.online)},
                {"connections", fmt::to_string(connections)},
                {"typing", fmt::to_string(now.typing)},
                {"leaving", fmt::to_string(now.going)},
                {"messages/s", fmt::format("{:.1f}", messages)},
                {"redis", fmt::format("{:.0f} commands/s", rate(before.commands, now.commands)),
                 size_text(rate(before.in_bytes, now.in_bytes)) + "/s in",
                 size_text(rate(before.out_bytes, now.out_bytes)) + "/s out",
                 size_text(static_cast<double>(now.memory)) + " of memory", counted(now.redis_clients, "client")}};
    for (auto const& i : now.instances) {
      auto const lease = i.lease.view == state::lease_view::none
                             ? std::string{"no lease"}
                             : fmt::format("lease {:.1f} s", static_cast<double>(i.lease.left_ms) / 1000);
      out.rows.push_back(
          {"instance", i.id.str(), counted(i.connections, "connection"), counted(i.users, "user"), lease});
    }
    for (auto const& b : busy) out.rows.push_back({"room", b.name, fmt::format("{:.1f} messages/s", b.messages_s)});
    return render(out, s_.as);
  }

  session& s_;
  top_question how_;
  asio::steady_timer pause_;
  asio::signal_set signals_;
  asio::posix::stream_descriptor keys_;
  char key_ = 0;
  std::vector<std::string> heads_;
  steady::time_point next_scan_{};
  bool going_ = true;
};

}  // namespace

outcome top(session& s, top_question how) {
  watcher w{s, how};
  if (auto const watched = co_await w.run(); !watched) co_return std::unexpected(watched.error());
  co_return report{.streamed = true};
}

}  // namespace hiky::ctl
