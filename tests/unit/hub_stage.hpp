// SPDX-License-Identifier: Apache-2.0
// A hub with four sessions, which remember what they are handed.
#pragma once
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "chat/hub.hpp"

namespace hiky::chat {

// Writes a part of a session in the place of the subsystem that keeps it.
struct session_setup {
  template <class Owner, class State>
  static State& of(session_part<Owner, State>& part) {
    return part.mine();
  }
};

}  // namespace hiky::chat

namespace unit {

using namespace hiky;
using namespace hiky::chat;

struct fake_session final : session {
  explicit fake_session(std::string connection, std::string who) {
    id = connection_id{std::move(connection)};
    user = user_id{std::move(who)};
    intrusive_ptr_add_ref(static_cast<session*>(this));  // lives on the stack: nobody else is to end it
  }
  bool send(frame_ptr frame, traffic kind) override {
    heard.emplace_back(frame->payload());
    kinds.push_back(kind);
    return true;
  }
  bool admits(traffic) override { return true; }
  void close(std::uint16_t, std::string_view) override {}
  void after_pong(std::function<void(bool)> done) override { done(true); }
  void after_flush(std::function<void(bool)> done) override { done(true); }
  void ask_receipt() override { ledger.asked(++pings); }
  void read_more(bool) override {}
  void identified() override {}
  std::string remote_address() const override { return {}; }
  std::string_view user_agent() const override { return {}; }

  std::vector<std::string> take() { return std::exchange(heard, {}); }
  std::vector<std::string> heard;
  std::vector<traffic> kinds;
  std::uint32_t pings = 0;
};

using strings = std::vector<std::string>;

class hub_of_friends : public testing::Test {
 protected:
  hub_of_friends() {
    here.on_empty([this](room_id const& r) { emptied.push_back(r.str()); });
    for (auto* s : all()) here.attach(*s);
  }
  ~hub_of_friends() override {
    for (auto* s : all()) here.detach(*s);
  }
  std::vector<fake_session*> all() { return {&alice, &phone, &bob, &carol}; }

  // Returns how many it was handed to.
  std::size_t tell(std::string_view room, std::string_view payload) {
    auto m = parse_bus_message(room, payload);
    if (!m) throw std::invalid_argument{std::string{payload}};
    return here.apply(*m, [this](session& s, bus_message const& about) {
      if (auto const* left = std::get_if<notice::left>(&about)) here.leave(s, room_id{left->room});
      else if (auto const* entry = std::get_if<notice::entry>(&about))
        entered.push_back(s.id.str() + ' ' + entry->room);
    });
  }
  // The connections that heard something since the last time.
  std::set<std::string> who_heard() {
    std::set<std::string> out;
    for (auto* s : all()) {
      if (!s->take().empty()) out.insert(s->id.str());
    }
    return out;
  }

  fake_session alice{"c1", "alice"}, phone{"c2", "alice"}, bob{"c3", "bob"}, carol{"c4", "carol"};
  hub here;
  room_id const tea{"tea"}, chess{"chess"};
  strings emptied, entered;
};

}  // namespace unit
