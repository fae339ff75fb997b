// SPDX-License-Identifier: Apache-2.0
// A token's patterns mean the same in Redis's scripts (lib/rooms_heard.lua) and here (auth::grant): a user takes part
// in the rooms that one of the user's connections may hear.
#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <set>

#include "auth/authenticator.hpp"
#include "state/chat/store.hpp"
#include "support/with_redis.hpp"

namespace {

using namespace hiky;
using patterns = std::vector<std::string>;
using rooms = std::set<std::string>;

class rooms_of_tokens : public support::with_redis {
 protected:
  void connect(int device, patterns only, std::vector<state::connection_room> const& belongs = {}) {
    ok(store.connections.add({id(device), here, bob, "2026-01-31T12:00:00.000Z", "", "", std::move(only)}, belongs));
  }
  void end(int device) { ok(store.connections.remove(id(device), here, bob, {})); }
  static connection_id id(int device) { return connection_id{fmt::format("c.{}", device)}; }

  rooms members(std::string const& key) {
    auto const found = probe.list("SMEMBERS", key);
    return {found.begin(), found.end()};
  }
  rooms takes_part() { return members("ws:user_rooms:bob"); }
  static rooms heard(rooms const& all, std::vector<patterns> const& devices) {
    rooms out;
    for (auto const& room : all) {
      auto const hears = [&](patterns const& only) { return auth::grant{.rooms = only}.allows(room_id{room}); };
      if (std::ranges::any_of(devices, hears)) out.insert(room);
    }
    return out;
  }

  instance_id const here{"chat-1"};
  user_id const bob{"bob"};
  state::store store{redis, 1};
};

// Of few letters, so that patterns and rooms often nearly match.
struct writer {
  std::string text(std::string_view letters, std::size_t least, std::size_t most) {
    std::string out(least + random() % (most - least + 1), ' ');
    for (auto& c : out) c = letters[random() % letters.size()];
    return out;
  }
  patterns list(rooms const& all) {
    patterns out;
    for (auto i = random() % 6; i > 0; --i) out.push_back(text("aab*", 0, 8));
    for (auto i = random() % 3; i > 0; --i) out.push_back(text(R"(ab**%.]["}-^$)", 1, 5));
    for (auto i = random() % 3; i > 0; --i)
      out.push_back(*std::next(all.begin(), static_cast<std::ptrdiff_t>(random() % all.size())));
    return out;
  }
  std::mt19937 random{20'260'131};
};

TEST_F(rooms_of_tokens, are_the_same_in_redis_and_here) {
  writer write;
  for (int round = 0; round < 150; ++round) {
    probe("FLUSHALL");
    rooms all;
    while (all.size() < 20) all.insert(write.text("aab", 1, 9));
    while (all.size() < 30) all.insert(write.text(R"(ab%.]["}-^$)", 1, 5));
    std::vector<state::connection_room> belongs;
    for (auto const& room : all) belongs.emplace_back(room_id{room}, false);
    ok(store.connections.add({id(0), here, bob, "2026-01-31T12:00:00.000Z", "", "", patterns{}}, belongs,
                             state::membership::granted));
    std::vector<patterns> devices{{}};
    for (int device = 1; device <= 3; ++device) {
      // Devices of one user mostly have the same token.
      devices.push_back(write.random() % 2 ? devices.back() : write.list(all));
      connect(device, devices.back());
      ASSERT_EQ(takes_part(), heard(all, devices)) << fmt::format("round {}, device {}", round, device);
    }
    while (devices.size() > 1) {
      end(static_cast<int>(devices.size()) - 1);
      devices.pop_back();
      ASSERT_EQ(takes_part(), heard(all, devices)) << fmt::format("round {}, {} devices left", round, devices.size());
    }
  }
}

// `*a*a*a*a*a*b` kept Redis busy for half a second, and with more stars for ever.
TEST_F(rooms_of_tokens, are_found_in_a_bounded_time) {
  std::vector<state::connection_room> belongs;
  for (int i = 0; i < 500; ++i) belongs.emplace_back(room_id{fmt::format("{:a>125}", i)}, false);
  patterns stars;
  for (char last = 'b'; last < 'z'; ++last) {
    std::string many;
    for (int i = 0; i < 50; ++i) many += "*a";
    stars.push_back(many + "*" + last);
    stars.push_back("*" + std::string(60, 'a') + last + "*");
  }
  connect(1, stars, belongs);
  probe("CONFIG", "RESETSTAT");
  connect(1, stars, belongs);
  EXPECT_EQ(takes_part(), rooms{});
  auto const stats = probe("INFO", "commandstats");
  auto const spent = stats.find("usec=", stats.find("cmdstat_evalsha:"));
  ASSERT_NE(spent, std::string::npos);
  EXPECT_LT(std::stoll(stats.substr(spent + 5)), 250'000) << "mostly 20 ms";
}

// A token may name rooms with brackets, which end a JSON array elsewhere.
TEST_F(rooms_of_tokens, may_have_brackets_in_their_names) {
  std::vector<state::connection_room> const belongs{{room_id{"a]b"}, false}, {room_id{"a]c"}, false}};
  connect(1, {"a]b"}, belongs);
  connect(2, {"a]c"});
  EXPECT_EQ(takes_part(), (rooms{"a]b", "a]c"}));
  end(1);
  EXPECT_EQ(takes_part(), (rooms{"a]c"}));
  auto const value = [&] { return probe("HGET", "ws:user_connections:bob", "c.2"); };
  EXPECT_THAT(value(), testing::Not(testing::HasSubstr("\"some\":")));
  connect(2, {"a]b"});
  EXPECT_THAT(value(), testing::HasSubstr("\"some\":")) << "it may have heard other rooms until now";
  EXPECT_EQ(takes_part(), (rooms{"a]b"}));
}

}  // namespace
