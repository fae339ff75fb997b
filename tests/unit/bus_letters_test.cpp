// SPDX-License-Identifier: Apache-2.0
// The letters of the wire between instances: scripts and C++ use the same letters, and each letter is read as the news
// of its name.
#include "state/chat/bus_letters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <string>

#include "chat/bus/bus_message.hpp"
#include "scripts.hpp"

using namespace hiky;
using state::bus_letter;
namespace notice = chat::notice;

namespace {

using letters = std::set<bus_letter>;

// Literals of a letter and a space: a script begins a text with one.
letters letters_in(std::string_view script) {
  static std::regex const literal{"'([a-zA-Z]) '"};
  letters out;
  for (std::cregex_iterator it{script.data(), script.data() + script.size(), literal}, end; it != end; ++it)
    out.insert(static_cast<bus_letter>(*(*it)[1].first));
  return out;
}

template <class Kind>
bool reads(bus_letter letter, std::string_view room, std::string_view rest) {
  auto const read = chat::parse_bus_message(room, state::bus_start(letter) + std::string{rest});
  return read && std::holds_alternative<Kind>(*read);
}

}  // namespace

TEST(bus_letters, are_the_same_in_scripts) {
  std::map<std::string_view, letters> found;
  for (auto const& script : state::scripts::all) {
    if (auto said = letters_in(script.text); !said.empty()) found[script.name] = std::move(said);
  }
  std::map<std::string_view, letters> const expected{
      {"announce_back.lua", {bus_letter::back}},
      {"announce_due.lua", {bus_letter::offline}},
      {"connect.lua", {bus_letter::ending, bus_letter::entry}},
      {"disconnect.lua", {bus_letter::mail, bus_letter::typing, bus_letter::offline}},
      {"fsck_pairs.lua", {bus_letter::entry}},
      {"fsck_typing.lua", {bus_letter::typing}},
      {"join.lua", {bus_letter::entry}},
      {"kick.lua", {bus_letter::ending}},
      {"leave.lua", {bus_letter::left, bus_letter::typing}},
      {"member_add.lua", {bus_letter::entry}},
      {"typing_sweep.lua", {bus_letter::typing}},
  };
  EXPECT_EQ(found, expected);
}

TEST(bus_letters, cost_a_script_nothing) {
  for (auto const& script : state::scripts::all) {
    EXPECT_EQ(script.text.find("bus."), std::string_view::npos) << script.name << ": names have become literals";
    EXPECT_EQ(script.text.find("-- include"), std::string_view::npos) << script.name;
  }
}

TEST(bus_letters, are_read_as_what_they_are_called) {
  EXPECT_TRUE(reads<notice::message>(bus_letter::message, "tea", "c e:1\n{}"));
  EXPECT_TRUE(reads<notice::typing>(bus_letter::typing, "tea", "alice\n{}"));
  EXPECT_TRUE(reads<notice::joined>(bus_letter::joined, "tea", "alice\n{}"));
  EXPECT_TRUE(reads<notice::left>(bus_letter::left, "tea", "17 alice\n{}"));
  EXPECT_TRUE(reads<notice::offline>(bus_letter::offline, "tea", "alice\n{}"));
  EXPECT_TRUE(reads<notice::back>(bus_letter::back, "tea", "alice\n"));
  EXPECT_TRUE(reads<notice::canary>(bus_letter::canary, "", "1\n"));
  EXPECT_TRUE(reads<notice::application>(bus_letter::application, "", "alice\n{}"));
  EXPECT_TRUE(reads<notice::friend_change>(bus_letter::friend_online, "", "alice\n{}"));
  EXPECT_TRUE(reads<notice::friend_change>(bus_letter::friend_offline, "", "alice\n{}"));
  EXPECT_TRUE(reads<notice::mail>(bus_letter::mail, "", "alice\n"));
  EXPECT_TRUE(reads<notice::ending>(bus_letter::ending, "", "alice\n4403 * why"));
  EXPECT_TRUE(reads<notice::entry>(bus_letter::entry, "", "alice\n1 e 0 tea"));
}
