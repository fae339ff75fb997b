// SPDX-License-Identifier: Apache-2.0
// A chat that wants proof: the tokens and login sessions that its gate knows, and clients that come with one.
#pragma once
#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/chat_stage.hpp"

namespace unit {

using namespace hiky;
using namespace support;

class proven : public chat_story {
 protected:
  explicit proven(chat_settings settings = {}) : chat_story(std::move(settings)) { gate.believes = false; }

  using patterns = std::optional<std::vector<std::string>>;
  static patterns only(std::string rooms) { return std::vector<std::string>{std::move(rooms)}; }
  void knows(std::string const& token, patterns rooms = {}, std::optional<std::chrono::seconds> life = {},
             std::string login = {}) {
    auth::identity who{user_id{"alice"}};
    who.grant.rooms = std::move(rooms);
    if (life) who.grant.expiry = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + *life;
    who.session = std::move(login);
    gate.tokens.insert_or_assign(token, who);
    if (!who.session.empty()) gate.logins.insert_or_assign(who.session, who);
  }
  chat_client& comes_with(std::string_view token, std::string_view how = R"("events":true)") {
    auto& alice = connects();
    alice.says(fmt::format(R"({{"type":"register","token":"{}",{}}})", token, how));
    return alice;
  }
  void guesses(chat_client& client, int times) {
    for (int i = 0; i < times && client.is_open(); ++i) client.says(R"({"type":"register","token":"a guess"})");
  }
};

}  // namespace unit
