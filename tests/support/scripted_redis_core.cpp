// SPDX-License-Identifier: Apache-2.0
#include "support/scripted_redis_core.hpp"

#include <fmt/format.h>
#include <stdlib.h>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "redis/script.hpp"

namespace support {

using boost::system::error_code;
using effect = scripted_redis::rule::state::effect;

namespace {

std::string in_words(redis_call const& call) {
  auto out = call.name;
  for (auto const& key : call.keys) out += ' ' + key;
  if (!call.keys.empty()) out += " |";
  for (auto const& arg : call.args) out += ' ' + arg;
  return out;
}

}  // namespace

scripted_redis::core::core(asio::any_io_executor ex) : acceptor(ex) {
  std::string name = std::filesystem::temp_directory_path() / "hiky-scripted-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a folder " + name);
  folder = name;
  listen();
}

void scripted_redis::core::listen() {
  local::endpoint const here{path()};
  acceptor.open(here.protocol());
  acceptor.bind(here);
  acceptor.listen();
  accept();
}

void scripted_redis::core::accept() {
  acceptor.async_accept([this](error_code ec, local::socket s) {
    if (ec) return;
    auto const c = std::make_shared<connection>(*this, std::move(s), ++last_number);
    clients.push_back(c);
    c->read();
    accept();
  });
}

void scripted_redis::core::stop_listening() {
  error_code ignored;
  acceptor.close(ignored);
  std::filesystem::remove(path());
}

scripted_redis::rule::state* scripted_redis::core::find(redis_call const& call) const {
  for (auto i = rules.rbegin(); i != rules.rend(); ++i) {
    auto& r = **i;
    if (r.what == effect::none || r.left == 0 || r.name != call.name || (r.matcher && !r.matcher(call))) continue;
    return &r;
  }
  return nullptr;
}

int scripted_redis::core::publish(std::string_view channel, std::string_view payload) {
  int told = 0;
  for (auto const& c : std::vector{clients}) {
    if (!c->channels.contains(channel)) continue;
    ++told;
    c->say(push("message", channel, text(payload)));
    if (!c->held) c->answer_all();
  }
  return told;
}

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
  while (auto call = take_call(in)) {
    call->connection = number_of;
    if (call->name == "SELECT") database = std::stoi(call->args.at(0));
    call->database = database;
    all->asked.push_back(*call);
    waiting.emplace_back(std::move(*call));
  }
  if (!held) answer_all();
}

void scripted_redis::connection::answer_all() {
  if (std::exchange(answering, true)) return;  // a rule has published something
  while (!waiting.empty() && !ends) {
    if (auto* const bytes = std::get_if<std::string>(&waiting.front())) {
      out += *bytes;
      waiting.pop_front();
      continue;
    }
    auto const asked = std::get<redis_call>(waiting.front());
    auto* const found = all->find(asked);
    if (found && found->left > 0) --found->left;
    held = found && found->what == effect::hold;
    if (held) break;
    waiting.pop_front();
    ends = found && found->what == effect::cut;
    if (ends) break;
    out += found ? found->make(asked).bytes : all->answer_by_itself(*this, asked);
    out += std::exchange(behind, {});
  }
  answering = false;
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

std::string scripted_redis::core::answer_by_itself(connection& c, redis_call const& call) {
  auto const& name = call.name;
  if (name == "HELLO") return map_of({{"server", "redis"}, {"version", "7.2.0"}, {"role", "master"}}).bytes;
  if (name == "PING") return "+PONG\r\n";
  if (name == "INFO") return text(fmt::format("role:master\r\nmaster_replid:{:040}\r\n", history)).bytes;
  if (name == "SCRIPT") return text(hiky::redis::script{call.args.at(1)}.sha1()).bytes;
  if (name.starts_with("EVALSHA ")) return refusal("NOSCRIPT No matching script.").bytes;
  if (name == "AUTH" || name == "SELECT" || name == "CLIENT") return ok().bytes;
  if (name == "PUBLISH") return number(publish(call.args.at(0), call.args.at(1))).bytes;
  bool const joins = name == "SUBSCRIBE";
  if (!joins && name != "UNSUBSCRIBE") {
    surprises.push_back(in_words(call));
    return refusal("ERR the test has not said what " + name + " is answered").bytes;
  }
  std::string out;
  for (auto const& channel : call.args) {
    if (joins) c.channels.insert(channel);
    else c.channels.erase(channel);
    out += push(joins ? "subscribe" : "unsubscribe", channel, number(static_cast<int>(c.channels.size())));
  }
  return out;
}

}  // namespace support
