// SPDX-License-Identifier: Apache-2.0
// The hub against a model that is too simple to be wrong.
#include "hub_stage.hpp"

#include <map>
#include <memory>
#include <random>
#include <set>

namespace unit {
namespace {

TEST(hub, agrees_with_a_model_through_ten_thousand_steps) {
  std::vector<std::unique_ptr<fake_session>> sessions;
  hub here;
  std::multiset<std::string> emptied;
  here.on_empty([&](room_id const& r) { emptied.insert(r.str()); });
  for (int i = 0; i < 12; ++i)
    sessions.push_back(std::make_unique<fake_session>("c" + std::to_string(i), "u" + std::to_string(i % 5)));

  std::set<std::size_t> attached;
  std::map<std::string, std::map<std::size_t, bool>> rooms;  // room → session → joined
  std::mt19937 random{42};
  auto const pick = [&](std::size_t n) { return random() % n; };
  auto const drop = [&](std::string const& room, std::size_t s, std::multiset<std::string>& gone) {
    auto const found = rooms.find(room);
    if (found == rooms.end() || found->second.erase(s) == 0 || !found->second.empty()) return;
    gone.insert(room);
    rooms.erase(found);
  };

  for (int step = 0; step < 10'000; ++step) {
    auto const s = pick(sessions.size());
    auto const name = "r" + std::to_string(pick(6));
    std::multiset<std::string> gone;
    switch (pick(6)) {
      case 0:
        if (attached.insert(s).second) here.attach(*sessions[s]);
        break;
      case 1:
        if (pick(3) != 0) break;
        here.detach(*sessions[s]);
        attached.erase(s);
        for (int r = 0; r < 6; ++r) drop("r" + std::to_string(r), s, gone);
        break;
      case 2: {
        if (!attached.contains(s)) break;
        bool const joined = pick(2) == 0;
        here.enter(*sessions[s], room_id{name}, joined);
        rooms[name][s] |= joined;
        break;
      }
      case 3:
        here.leave(*sessions[s], room_id{name});
        drop(name, s, gone);
        break;
      case 4: {
        auto const m = parse_bus_message(name, "l 1 u" + std::to_string(s % 5) + "\n{}");
        here.apply(*m, [&](session& one, bus_message const&) { here.leave(one, room_id{name}); });
        for (auto const other : attached) {
          if (other % 5 == s % 5) drop(name, other, gone);
        }
        break;
      }
      default: {
        for (auto& each : sessions) each->take();
        auto const m = parse_bus_message(name, "m c" + std::to_string(s) + " e:" + std::to_string(step + 1) + "\n{}");
        here.apply(*m, [](session&, bus_message const&) {});
        for (std::size_t i = 0; i < sessions.size(); ++i) {
          auto const in = rooms.contains(name) && rooms[name].contains(i);
          ASSERT_EQ(sessions[i]->take().size(), in && i != s ? 1u : 0u) << step;
        }
      }
    }
    ASSERT_EQ(emptied, gone) << step;
    emptied.clear();
    ASSERT_EQ(here.rooms(), rooms.size()) << step;
    for (auto const& [room, members] : rooms) {
      for (std::size_t i = 0; i < sessions.size(); ++i)
        ASSERT_EQ(here.in(*sessions[i], room_id{room}), members.contains(i)) << step;
    }
    for (auto const& each : sessions) {
      auto const number = static_cast<std::size_t>(std::stoi(each->id.str().substr(1)));
      for (auto const& e : each->ledger.rooms()) {
        ASSERT_EQ(static_cast<room*>(e.room)->sessions[e.seat].who, each.get()) << step;
        ASSERT_EQ(e.open == 1, rooms[*e.room->name][number]) << step;
      }
    }
  }
}

// There are many idle sessions: a part that is rarely used is made when it is needed.
TEST(session, costs_an_idle_connection_no_more_than_264_bytes) { EXPECT_LE(sizeof(session), 264U); }

}  // namespace
}  // namespace unit
