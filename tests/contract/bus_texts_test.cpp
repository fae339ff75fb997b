// SPDX-License-Identifier: Apache-2.0
// chat/bus reads the texts that the scripts and state/chat publish: the real texts, through a real Redis.
#include <fmt/format.h>

#include "chat/bus/bus_message.hpp"
#include "state/chat/channels.hpp"
#include "state/chat/store.hpp"
#include "support/with_redis.hpp"

namespace {

using namespace hiky;
using testing::ElementsAre;
namespace notice = chat::notice;

struct news_in_words {
  std::string operator()(notice::message const& m) const {
    return fmt::format("message {} of {} in {}", m.place.seq, m.connection, m.room);
  }
  std::string operator()(notice::typing const& m) const { return fmt::format("{} types in {}", m.user, m.room); }
  std::string operator()(notice::joined const& m) const { return fmt::format("{} joined {}", m.user, m.room); }
  std::string operator()(notice::left const& m) const {
    return fmt::format("{} left {}{}", m.user, m.room, m.at_ms > 0 ? "" : " at no time");
  }
  std::string operator()(notice::offline const& m) const { return fmt::format("{} offline in {}", m.user, m.room); }
  std::string operator()(notice::back const& m) const {
    auto out = "back in " + m.room;
    for (auto const& each : m.users) out += ' ' + each.user;
    return out;
  }
  std::string operator()(notice::application const& m) const { return "a frame for " + m.user; }
  std::string operator()(notice::friend_change const& m) const {
    return fmt::format("{} hears of a friend, {}", m.user, m.online ? "online" : "offline");
  }
  std::string operator()(notice::mail const& m) const { return "mail for " + m.user; }
  std::string operator()(notice::ending const& m) const {
    return fmt::format("{} ends {} of {}", m.code, m.connection.empty() ? "all" : m.connection, m.user);
  }
  std::string operator()(notice::entry const& m) const {
    return fmt::format("{} enters {} behind {}", m.user, m.room, m.place.seq);
  }
  template <class Other>
  std::string operator()(Other const&) const {
    return "something else";
  }
};

class texts_of_the_bus : public support::with_redis {
 protected:
  texts_of_the_bus() {
    subscriber.on_push(
        [this](std::span<redis::node const> m) {
          if (m.size() < 4 || m[1].value != "message") return;
          auto const news = chat::parse_bus_message(names.room_in(m[2].value).value_or(""), m[3].value);
          got.push_back(news ? std::visit(news_in_words{}, *news) : "unreadable: " + std::string{m[3].value});
        },
        [] {});
    subscriber.start();
    ok(subscriber.wait_connected(std::chrono::seconds{5}));
    subscriber.send(redis::request{"SUBSCRIBE", names.of_room(tea.str()), names.of_instance(here)});
    ok(subscriber.exec(redis::request{"PING"}));
  }
  ~texts_of_the_bus() override { subscriber.stop(); }

  void connect(std::string const& connection, user_id const& user) {
    ok(store.connections.add({connection_id{connection}, here, user, "2026-01-31T12:00:00.000Z", "", ""}, {}));
  }
  void end(std::string const& connection, user_id const& user, state::unsure_mail unsure = {}) {
    ok(store.connections.remove(connection_id{connection}, here, user, std::move(unsure)));
  }
  void say() { ok(store.room_log.publish({tea, alice, connection_id{"c.9"}, "\"x\"", {}})); }
  // The texts that were published until now.
  std::vector<std::string> take() {
    ok(subscriber.exec(redis::request{"PING"}));
    return std::exchange(got, {});
  }

  instance_id const here{"chat-1"};
  user_id const alice{"alice"}, bob{"bob \"b\""};
  room_id const tea{"the tea: room"};
  state::channels names{1};
  state::store store{redis, 1, {}, std::chrono::milliseconds{0}, 2};
  redis::client subscriber{events.executor(), shared_address()};
  std::vector<std::string> got;

 private:
  static redis::address shared_address() { return support::shared_server().address(1); }
};

}  // namespace

TEST_F(texts_of_the_bus, of_a_room_are_read_as_what_they_are) {
  connect("c.1", bob);
  connect("c.2", bob);
  events.run_for(std::chrono::milliseconds{2});  // a message of the millisecond in which c.2 began may be mail
  ok(store.members.add(alice, tea));
  EXPECT_THAT(take(), ElementsAre("alice joined the tea: room"));
  say();
  EXPECT_THAT(take(), ElementsAre("message 1 of c.9 in the tea: room"));
  ok(store.members.join(bob, tea, connection_id{"c.1"}, 10));
  EXPECT_THAT(take(), ElementsAre("bob \"b\" joined the tea: room", "bob \"b\" enters the tea: room behind 1"));
  ok(store.typing.change(bob, tea, state::typing_change::on));
  ok(store.members.announce_back({{bob, {tea}}}));
  ok(store.members.leave(bob, tea));
  EXPECT_THAT(take(), ElementsAre("bob \"b\" types in the tea: room", "back in the tea: room bob \"b\"",
                                  "bob \"b\" types in the tea: room", "bob \"b\" left the tea: room"));
  ok(store.members.join(bob, tea, connection_id{"c.1"}, 10));
  take();
  say();
  end("c.1", bob, {.since_ms = 0});
  EXPECT_THAT(take(), ElementsAre("message 2 of c.9 in the tea: room"));
  end("c.2", bob);
  EXPECT_THAT(take(), ElementsAre("bob \"b\" offline in the tea: room"));
}

TEST_F(texts_of_the_bus, of_an_instance_are_read_as_what_they_are) {
  connect("c.1", bob);
  connect("c.2", bob);
  connect("c.3", bob);
  EXPECT_THAT(take(), ElementsAre("4409 ends c.1 of bob \"b\""));
  end("c.1", bob);
  using state::bus_letter;
  ok(store.connections.notify({bob}, bus_letter::application, "{}"));
  ok(store.connections.notify({bob}, bus_letter::friend_online, "{}"));
  ok(store.connections.notify({bob}, bus_letter::friend_offline, "{}"));
  EXPECT_THAT(take(), ElementsAre("a frame for bob \"b\"", "bob \"b\" hears of a friend, online",
                                  "bob \"b\" hears of a friend, offline"));
  probe("LPUSH", "ws:offline_messages:bob \"b\"", "{}");
  end("c.2", bob);
  EXPECT_THAT(take(), ElementsAre("mail for bob \"b\""));
  ok(store.connections.kick(bob, std::chrono::seconds{0}));
  EXPECT_THAT(take(), ElementsAre("4403 ends all of bob \"b\""));
}
