// SPDX-License-Identifier: Apache-2.0
// The document's services from a program of one's own: two people, one room, one message for who is away.
//   example redis://127.0.0.1:6379     (or unix:///path/to/redis.sock; it uses database 1, as the document does)
#include <hiky/redis/client.hpp>
#include <hiky/state/document/services.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>

#include <chrono>
#include <iostream>

using namespace hiky;

task<> meet(redis::client& redis, int& exit_code) {
  if (auto const up = co_await redis.wait_connected(std::chrono::seconds{5}); !up) {
    std::cerr << "no Redis: " << up.error().text << '\n';
  } else {
    state::services services{redis};
    user_id const alice{"alice"}, bob{"bob"};
    room_id const tea{"tea"};

    co_await services.add_online_user(alice);
    co_await services.set_client(alice, {{"connectedAt", "2026-01-31T12:00:00.000Z"}, {"ipAddress", "127.0.0.1"}});
    for (auto const& user : {alice, bob}) {
      co_await services.add_user_room(user, tea);
      co_await services.add_room_participant(tea, user);
    }
    if (!co_await services.is_user_online(bob)) {
      co_await services.add_offline_message(
          bob, {{"type", "message"}, {"roomId", "tea"}, {"senderId", "alice"}, {"content", "kettle is on"}});
    }

    std::cout << "in tea: " << co_await services.get_room_participants_count(tea) << '\n';
    for (auto const& message : co_await services.get_offline_messages(bob))
      std::cout << "for bob: " << json::serialize(message) << '\n';
    exit_code = co_await services.clear_offline_messages(bob) ? 0 : 1;
  }
  redis.stop();
}

int main(int argc, char** argv) {
  auto where = redis::parse_address(argc > 1 ? argv[1] : "redis://127.0.0.1:6379");
  if (!where) return std::cerr << where.error().text << '\n', 2;
  where->database = 1;

  asio::io_context events;
  redis::client redis{events.get_executor(), *where};
  redis.start();
  int exit_code = 1;
  asio::co_spawn(events, meet(redis, exit_code), asio::detached);
  events.run();
  return exit_code;
}
