// SPDX-License-Identifier: Apache-2.0
#include "support/scripted_redis.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "support/scripted_redis_core.hpp"

namespace support {

using effect = scripted_redis::rule::state::effect;

namespace {

constexpr std::array<std::string_view, 7> greeting{"HELLO", "AUTH", "SELECT", "INFO", "CLIENT", "SCRIPT", "PING"};

}  // namespace

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
