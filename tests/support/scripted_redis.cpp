// SPDX-License-Identifier: Apache-2.0
#include "support/scripted_redis.hpp"

#include <fmt/format.h>
#include <stdlib.h>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <deque>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <variant>

#include "redis/script.hpp"
#include "scripts.hpp"

namespace support {

namespace asio = boost::asio;
using boost::system::error_code;
using local = asio::local::stream_protocol;

namespace {

constexpr std::array<std::string_view, 7> greeting{"HELLO", "AUTH", "SELECT", "INFO", "CLIENT", "SCRIPT", "PING"};

std::string const* script_of(std::string_view sha1) {
  static auto const all = [] {
    std::map<std::string, std::string, std::less<>> out;
    for (auto const& file : hiky::state::scripts::all)
      out.emplace(hiky::redis::script{file.text}.sha1(), std::string{file.name});
    return out;
  }();
  auto const found = all.find(sha1);
  return found == all.end() ? nullptr : &found->second;
}

std::string bulk(std::string_view t) { return fmt::format("${}\r\n{}\r\n", t.size(), t); }

std::string push(std::string_view what, std::string_view channel, std::string_view last) {
  return fmt::format(">3\r\n{}{}{}", bulk(what), bulk(channel), last);
}

std::string in_words(redis_call const& call) {
  auto out = call.name;
  for (auto const& key : call.keys) out += ' ' + key;
  if (!call.keys.empty()) out += " |";
  for (auto const& arg : call.args) out += ' ' + arg;
  return out;
}

// The number behind the first byte of the line at `at`, which is moved behind the line; nothing if it is not all here.
std::optional<std::size_t> read_count(std::string_view in, std::size_t& at, char kind) {
  auto const end = in.find("\r\n", at);
  if (end == std::string_view::npos) return std::nullopt;
  std::size_t n = 0;
  auto const [rest, fault] = std::from_chars(in.data() + at + 1, in.data() + end, n);
  if (in[at] != kind || fault != std::errc{} || rest != in.data() + end) throw std::runtime_error("not a RESP command");
  at = end + 2;
  return n;
}

// Takes one command off the front of `in`; nothing if it is not all here.
std::optional<std::vector<std::string>> take_command(std::string& in) {
  std::size_t at = 0;
  auto const words = read_count(in, at, '*');
  if (!words) return std::nullopt;
  std::vector<std::string> out;
  for (std::size_t i = 0; i < *words; ++i) {
    auto const size = read_count(in, at, '$');
    if (!size || in.size() < at + *size + 2) return std::nullopt;
    out.push_back(in.substr(at, *size));
    at += *size + 2;
  }
  in.erase(0, at);
  return out;
}

redis_call as_call(std::vector<std::string> words) {
  redis_call out;
  auto const capital = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  std::ranges::transform(words.at(0), std::back_inserter(out.name), capital);
  auto begin = words.begin() + 1;
  if (out.name == "EVALSHA") {
    auto const* const name = script_of(words.at(1));
    out.name = name ? *name : "EVALSHA " + words.at(1);
    auto const keys = words.begin() + 3 + std::stol(words.at(2));
    out.keys.assign(words.begin() + 3, keys);
    begin = keys;
  }
  out.args.assign(begin, words.end());
  return out;
}

}  // namespace

resp ok() { return {"+OK\r\n"}; }
resp null() { return {"_\r\n"}; }
resp number(std::int64_t n) { return {fmt::format(":{}\r\n", n)}; }
resp text(std::string_view t) { return {bulk(t)}; }
resp refusal(std::string_view t) { return {fmt::format("-{}\r\n", t)}; }
resp list_of(std::vector<resp> const& items) {
  resp out{fmt::format("*{}\r\n", items.size())};
  for (auto const& item : items) out.bytes += item.bytes;
  return out;
}
resp map_of(std::vector<std::pair<std::string, std::string>> const& pairs) {
  resp out{fmt::format("%{}\r\n", pairs.size())};
  for (auto const& [name, value] : pairs) out.bytes += bulk(name) + bulk(value);
  return out;
}

bool redis_call::has(std::string_view word) const {
  return std::ranges::find(keys, word) != keys.end() || std::ranges::find(args, word) != args.end();
}

call_matcher has(std::string word) {
  return [word = std::move(word)](redis_call const& call) { return call.has(word); };
}

struct scripted_redis::rule::state {
  enum class effect : std::uint8_t { none, give, hold, cut };
  std::string name;
  call_matcher matcher;
  int left = -1;  // below 0: always
  effect what = effect::none;
  std::function<resp(redis_call const&)> make{};
};

using effect = scripted_redis::rule::state::effect;

// One client. Calls are answered in order, as Redis does; pushes keep their place among them.
struct scripted_redis::connection : std::enable_shared_from_this<connection> {
  connection(core& of, local::socket s, int n) : all(&of), sock(std::move(s)), number_of(n) {}

  void read();
  void take(std::size_t size);
  void answer_all();
  void say(std::string bytes) { waiting.emplace_back(std::move(bytes)); }
  void write();
  void close() {
    error_code ignored;
    sock.close(ignored);
    open = false;
  }

  core* all;  // gone when `open` is false
  local::socket sock;
  int number_of, database = 0;
  std::array<char, 16 * 1024> buffer{};
  std::string in, out, sending;
  std::deque<std::variant<redis_call, std::string>> waiting;  // calls, and pushes among them
  std::set<std::string, std::less<>> channels;
  bool open = true, held = false, ends = false;
};

struct scripted_redis::core : std::enable_shared_from_this<core> {
  explicit core(asio::any_io_executor ex) : acceptor(ex) {
    std::string name = std::filesystem::temp_directory_path() / "hiky-scripted-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a folder " + name);
    folder = name;
    listen();
  }

  std::string path() const { return folder / "redis.sock"; }
  void listen() {
    local::endpoint const here{path()};
    acceptor.open(here.protocol());
    acceptor.bind(here);
    acceptor.listen();
    accept();
  }
  void accept() {
    acceptor.async_accept([this](error_code ec, local::socket s) {
      if (ec) return;
      auto const c = std::make_shared<connection>(*this, std::move(s), ++last_number);
      clients.push_back(c);
      c->read();
      accept();
    });
  }
  void stop_listening() {
    error_code ignored;
    acceptor.close(ignored);
    std::filesystem::remove(path());
  }
  void close_all() {
    for (auto const& c : std::exchange(clients, {})) c->close();
  }

  rule::state* find(redis_call const& call) const {
    for (auto i = rules.rbegin(); i != rules.rend(); ++i) {
      auto& r = **i;
      if (r.what == effect::none || r.left == 0 || r.name != call.name || (r.matcher && !r.matcher(call))) continue;
      return &r;
    }
    return nullptr;
  }
  int publish(std::string_view channel, std::string_view payload) {
    int told = 0;
    for (auto const& c : std::vector{clients}) {
      if (!c->channels.contains(channel)) continue;
      ++told;
      c->say(push("message", channel, bulk(payload)));
      if (!c->held) c->answer_all();
    }
    return told;
  }
  // What is known without a rule; nothing when nobody has said what to answer.
  std::optional<std::string> answer_by_itself(connection& c, redis_call const& call);

  std::filesystem::path folder;
  local::acceptor acceptor;
  int last_number = 0, history = 1;
  std::vector<std::shared_ptr<connection>> clients;
  std::vector<std::shared_ptr<rule::state>> rules;
  std::vector<redis_call> asked;
  std::vector<std::string> surprises;
};

void scripted_redis::connection::read() {
  sock.async_read_some(asio::buffer(buffer), [self = shared_from_this()](error_code ec, std::size_t size) {
    if (!self->open) return;
    if (ec) {
      self->close();
      return void(std::erase(self->all->clients, self));
    }
    self->take(size);
    if (self->open) self->read();
  });
}

void scripted_redis::connection::take(std::size_t size) {
  in.append(buffer.data(), size);
  while (auto words = take_command(in)) {
    auto call = as_call(std::move(*words));
    call.connection = number_of;
    if (call.name == "SELECT") database = std::stoi(call.args.at(0));
    call.database = database;
    all->asked.push_back(call);
    waiting.emplace_back(std::move(call));
  }
  if (!held) answer_all();
}

void scripted_redis::connection::answer_all() {
  while (!waiting.empty() && !ends) {
    if (auto* const bytes = std::get_if<std::string>(&waiting.front())) {
      out += *bytes;
      waiting.pop_front();
      continue;
    }
    auto const& call = std::get<redis_call>(waiting.front());
    auto* const found = all->find(call);
    if (found && found->left > 0) --found->left;
    held = found && found->what == effect::hold;
    if (held) break;
    auto const asked = call;
    waiting.pop_front();
    ends = found && found->what == effect::cut;
    if (ends) break;
    if (found) {
      out += found->make(asked).bytes;
    } else if (auto const known = all->answer_by_itself(*this, asked)) {
      out += *known;
    } else {
      all->surprises.push_back(in_words(asked));
      out += refusal("ERR the test has not said what " + asked.name + " is answered").bytes;
    }
  }
  write();
}

void scripted_redis::connection::write() {
  if (!open || !sending.empty()) return;
  if (out.empty()) {
    if (!ends) return;
    close();
    return void(std::erase(all->clients, shared_from_this()));
  }
  sending = std::exchange(out, {});
  asio::async_write(sock, asio::buffer(sending), [self = shared_from_this()](error_code ec, std::size_t) {
    self->sending.clear();
    if (!ec) self->write();
  });
}

std::optional<std::string> scripted_redis::core::answer_by_itself(connection& c, redis_call const& call) {
  auto const& name = call.name;
  if (name == "HELLO") return map_of({{"server", "redis"}, {"version", "7.2.0"}, {"role", "master"}}).bytes;
  if (name == "PING") return "+PONG\r\n";
  if (name == "INFO") return text(fmt::format("role:master\r\nmaster_replid:{:040}\r\n", history)).bytes;
  if (name == "SCRIPT") return text(hiky::redis::script{call.args.at(1)}.sha1()).bytes;
  if (name.starts_with("EVALSHA ")) return refusal("NOSCRIPT No matching script.").bytes;
  if (name == "AUTH" || name == "SELECT" || name == "CLIENT") return ok().bytes;
  if (name == "PUBLISH") {
    // A connection that hears the channel itself is answered first.
    auto const told =
        std::ranges::count_if(clients, [&](auto const& one) { return one->channels.contains(call.args[0]); });
    asio::post(acceptor.get_executor(),
               [self = shared_from_this(), call] { self->publish(call.args[0], call.args[1]); });
    return number(told).bytes;
  }
  bool const joins = name == "SUBSCRIBE";
  if (!joins && name != "UNSUBSCRIBE") return std::nullopt;
  std::string out;
  for (auto const& channel : call.args) {
    if (joins) c.channels.insert(channel);
    else c.channels.erase(channel);
    out += push(joins ? "subscribe" : "unsubscribe", channel, number(static_cast<int>(c.channels.size())).bytes);
  }
  return out;
}

scripted_redis::rule& scripted_redis::rule::times(int n) {
  state_->left = n;
  return *this;
}
void scripted_redis::rule::give(resp reply) {
  give([reply = std::move(reply)](redis_call const&) { return reply; });
}
void scripted_redis::rule::give(std::function<resp(redis_call const&)> make) {
  state_->make = std::move(make);
  state_->what = effect::give;
}
void scripted_redis::rule::hold() { state_->what = effect::hold; }
void scripted_redis::rule::cut() { state_->what = effect::cut; }

scripted_redis::scripted_redis(asio::any_io_executor executor) : core_(std::make_shared<core>(std::move(executor))) {}

scripted_redis::~scripted_redis() {
  core_->close_all();
  core_->stop_listening();
  std::error_code ignored;
  std::filesystem::remove_all(core_->folder, ignored);
}

hiky::redis::address scripted_redis::address(int database) const {
  hiky::redis::address where;
  where.unix_path = core_->path();
  where.database = database;
  return where;
}

scripted_redis::rule scripted_redis::when(std::string name, call_matcher matcher) {
  auto& rules = core_->rules;
  rules.push_back(std::make_shared<rule::state>(std::move(name), std::move(matcher)));
  return rule{rules.back()};
}

void scripted_redis::release() {
  std::erase_if(core_->rules, [](auto const& r) { return r->what == effect::hold; });
  for (auto const& c : std::vector{core_->clients}) {
    if (std::exchange(c->held, false)) c->answer_all();
  }
}

void scripted_redis::cut() { core_->close_all(); }
void scripted_redis::down() {
  core_->stop_listening();
  core_->close_all();
}
void scripted_redis::up() { core_->listen(); }
void scripted_redis::change_history() { ++core_->history; }

int scripted_redis::publish(std::string_view channel, std::string_view payload) {
  return core_->publish(channel, payload);
}

std::vector<std::string> scripted_redis::subscribed() const {
  std::set<std::string> out;
  for (auto const& c : core_->clients) out.insert(c->channels.begin(), c->channels.end());
  return {out.begin(), out.end()};
}
int scripted_redis::connections() const { return static_cast<int>(core_->clients.size()); }

std::vector<redis_call> scripted_redis::calls(std::string_view name) const {
  std::vector<redis_call> out;
  std::ranges::copy_if(core_->asked, std::back_inserter(out), [&](auto const& call) { return call.name == name; });
  return out;
}
std::vector<std::string> scripted_redis::names() const {
  std::vector<std::string> out;
  for (auto const& call : core_->asked) {
    if (std::ranges::find(greeting, call.name) == greeting.end()) out.push_back(call.name);
  }
  return out;
}
void scripted_redis::forget() { core_->asked.clear(); }
std::vector<std::string> scripted_redis::surprises() const { return core_->surprises; }

}  // namespace support
