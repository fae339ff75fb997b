// SPDX-License-Identifier: Apache-2.0
#include "stage.hpp"

#include <boost/asio/co_spawn.hpp>

#include <charconv>
#include <chrono>
#include <stdexcept>

#include <fmt/format.h>

#include "state/chat/keys.hpp"

namespace hiky::script_bench {
namespace {

using namespace std::chrono_literals;

redis::address patient(redis::address where) {
  where.deadline = 120s;
  return where;
}

std::string content(std::size_t size) {
  std::string text = "\"";
  while (text.size() < size)
    text += "the kettle is on, bring biscuits and seven blue cups at noon, nobody else has time later today; ";
  text.resize(size - 1);
  return text + '"';
}

std::int64_t number_behind(std::string_view text, std::string_view name) {
  auto const at = text.find(name);
  std::int64_t out = 0;
  if (at != std::string_view::npos) std::from_chars(text.data() + at + name.size(), text.data() + text.size(), out);
  return out;
}

}  // namespace

std::string const short_content = content(102), large_content = content(16 * 1024);

user_id user(std::string_view group, int number) { return user_id{fmt::format("{}-{}", group, number)}; }
room_id room(std::string_view group, int number) { return room_id{fmt::format("{}-{}", group, number)}; }

// As the Redis that hikyd starts for itself keeps its lists; nothing goes to disk.
stage::stage()
    : server({"--list-max-ziplist-size", "4"}),
      redis(io.get_executor(), patient(server.address(1))),
      store(redis, 1, {}, 5s, 0, 1h) {
  redis.start();
  all(1, [this](int) { return redis.wait_connected(5s); });
  lease();
  all(people, [this](int i) { return connect(person(i), {{room("room", i / 10), true}}); });
  all(busy_people, [this](int i) {
    std::vector<state::connection_room> halls;
    for (int k = 0; k < 10; ++k) halls.emplace_back(hall(i + k), true);
    return connect(busy(i), std::move(halls));
  });
  all(people, [this](int i) { return say(person(i), room("room", i / 10), short_content); });
  all(20 * 100, [this](int i) { return say(busy(i % 100), hall(i), short_content); });
}

stage::~stage() { redis.stop(); }

void stage::all(int count, std::function<call(int)> const& make) {
  int left = count;
  std::optional<error> failed;
  for (int i = 0; i < count; ++i) {
    asio::co_spawn(io, make(i), [&](std::exception_ptr thrown, result<void> const& outcome) {
      --left;
      if (thrown) std::rethrow_exception(thrown);
      if (!outcome && !failed) failed = outcome.error();
    });
  }
  io.restart();
  auto const until = std::chrono::steady_clock::now() + 120s;
  while (left > 0 && io.run_one_until(until) > 0) {}
  if (left > 0) throw std::runtime_error("Redis did not answer in time");
  if (failed) throw std::runtime_error(failed->text);
}

void stage::command(redis::request what) {
  all(1, [&](int) { return done(redis.exec(std::move(what))); });
}

script_time stage::spent() {
  auto const answer = get(redis.exec(redis::request{"INFO", "commandstats"}));
  std::string_view text = answer[0].text();
  auto const at = text.find("cmdstat_evalsha:");
  if (at == std::string_view::npos) return {};
  text = text.substr(at, text.find('\n', at) - at);
  return {static_cast<double>(number_behind(text, "usec=")), number_behind(text, ":calls="),
          number_behind(text, "failed_calls=")};
}

instance_id stage::instance(user_id const& user) {
  auto const& name = user.str();
  auto const dash = name.find('-') + 1;
  // Instances 1 to 4 have 500 people each, and nobody else.
  return instance_id{name.starts_with("person-") ? fmt::format("chat-{}", 1 + std::stoi(name.substr(dash)) / 500)
                                                 : "chat-0"};
}

state::connection_details stage::details(user_id const& user, int connection) {
  return {connection_id{fmt::format("{}.{}", user.str(), connection)},
          instance(user),
          user,
          "2026-01-31T12:00:00.000Z",
          "203.0.113.7",
          "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"};
}

call stage::connect(user_id const& who, std::vector<state::connection_room> rooms, int connection) {
  return done(store.connections.add(details(who, connection), std::move(rooms)));
}

call stage::disconnect(user_id const& who, state::unsure_mail unsure, int connection) {
  auto const about = details(who, connection);
  return done(store.connections.remove(about.id, about.instance, who, std::move(unsure)));
}

call stage::say(user_id const& sender, room_id const& where, std::string_view text, std::optional<std::string> id) {
  return done(store.room_log.publish({where, sender, connection(sender), text, std::move(id)}));
}

void stage::lease(int dead) {
  auto const ends =
      std::chrono::duration_cast<std::chrono::milliseconds>((std::chrono::system_clock::now() + 1h).time_since_epoch());
  redis::request ask{"DEL", state::keys::instances, state::keys::sweeps};
  for (int i = 0; i < 5; ++i) ask.add("ZADD", state::keys::instances, ends.count(), fmt::format("chat-{}", i));
  for (int i = 0; i < dead; ++i) ask.add("ZADD", state::keys::instances, 1000 + i, fmt::format("dead-{}", i));
  command(std::move(ask));
}

}  // namespace hiky::script_bench
