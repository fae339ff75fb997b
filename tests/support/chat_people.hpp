// SPDX-License-Identifier: Apache-2.0
// The application's side of the chat, as far as a test needs it: the users of the directory, and the users that tokens
// and logins name.
#pragma once
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "auth/authenticator.hpp"
#include "directory/directory.hpp"

namespace support {

class known_people final : public hiky::directory::directory {
 public:
  hiky::directory::entry& operator[](std::string const& user) {
    auto& one = entries_[user];
    one.user.id = hiky::user_id{user};
    return one;
  }
  void befriend(std::string const& one, std::string const& other) {
    (*this)[one].friends.emplace_back(other);
    (*this)[other].friends.emplace_back(one);
  }
  std::optional<hiky::error> fault;  // of every question
  bool throws = false;               // a bug of the directory's

  hiky::task<hiky::result<hiky::directory::entry>> load(hiky::user_id user) override {
    if (fault) co_return std::unexpected(*fault);
    co_return (*this)[user.str()];
  }
  hiky::task<hiky::result<std::vector<hiky::user_id>>> friends(hiky::user_id user) override {
    if (throws) throw std::logic_error("a bug");
    if (fault) co_return std::unexpected(*fault);
    co_return (*this)[user.str()].friends;
  }
  hiky::task<hiky::result<std::vector<hiky::directory::profile>>> profiles(std::vector<hiky::user_id> users) override {
    if (fault) co_return std::unexpected(*fault);
    std::vector<hiky::directory::profile> out;
    for (auto const& user : users) out.push_back((*this)[user.str()].user);
    co_return out;
  }

 private:
  std::map<std::string, hiky::directory::entry> entries_;
};

// A token means what the test says. Without a token, a userId is believed.
class token_gate final : public hiky::auth::authenticator {
 public:
  std::map<std::string, hiky::auth::identity> tokens;
  std::map<std::string, hiky::auth::verdict<hiky::auth::identity>> logins;  // sessions of the application
  std::optional<hiky::error> fault;       // of every question
  bool believes = true;                   // a userId alone
  int asked = 0, looks = 0;

  hiky::task<hiky::auth::verdict<std::optional<hiky::auth::identity>>> identify(
      hiky::auth::credentials shown) override {
    ++asked;
    if (fault) co_return std::unexpected(hiky::auth::denial{*fault});
    if (!shown.token.empty()) {
      auto const found = tokens.find(shown.token);
      if (found != tokens.end()) co_return found->second;
      co_return std::unexpected(hiky::auth::denial{hiky::errc::invalid_argument, "the token is not one of ours",
                                                   hiky::auth::outcome::forged});
    }
    if (!shown.claimed || !believes) co_return std::nullopt;
    co_return hiky::auth::identity{std::move(*shown.claimed)};
  }
  hiky::task<hiky::result<std::vector<hiky::auth::verdict<hiky::auth::identity>>>> look_again(
      std::vector<std::string> sessions) override {
    ++looks;
    if (fault) co_return std::unexpected(*fault);
    std::vector<hiky::auth::verdict<hiky::auth::identity>> out;
    for (auto const& one : sessions) {
      auto const found = logins.find(one);
      out.push_back(found != logins.end() ? found->second : nobody());
    }
    co_return out;
  }
  std::string expected() const override { return "a token"; }

  static hiky::auth::verdict<hiky::auth::identity> nobody() {
    return std::unexpected(
        hiky::auth::denial{hiky::errc::invalid_argument, "nobody is logged in", hiky::auth::outcome::nobody});
  }
};

}  // namespace support
