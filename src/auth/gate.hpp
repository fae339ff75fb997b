// SPDX-License-Identifier: Apache-2.0
// All modes that are on, as one. Belongs to one worker, as the connections it makes do.
#pragma once
#include <memory>
#include <optional>

#include "auth/authenticator.hpp"
#include "auth/sessions.hpp"
#include "auth/tokens.hpp"

namespace hiky::auth {

struct gate_settings {
  bool open = true;
  struct jwt_settings {
    key_places keys;
    token_rules rules;
  };
  std::optional<jwt_settings> jwt{};
  std::optional<session_settings> session{};
  int session_database = 3;
};

// A token is on purpose, so it decides. A cookie comes by itself: when it is of no use, the other modes are still
// asked.
class gate final : public authenticator {
 public:
  // `redis`: the server; which database is in the settings.
  gate(asio::any_io_executor executor, gate_settings const& settings, redis::address redis, counters& count);
  task<verdict<std::optional<identity>>> identify(credentials shown) override;
  task<result<std::vector<verdict<identity>>>> look_again(std::vector<std::string> sessions) override;
  std::string expected() const override;
  // Of the sessions' database; none without the mode.
  redis::counters const* redis_counts() const { return sessions_ ? &sessions_->counts() : nullptr; }

 private:
  verdict<std::optional<identity>> counted(mode by, verdict<std::optional<identity>> found);

  counters& count_;
  std::unique_ptr<authenticator> tokens_, open_;
  std::unique_ptr<sessions> sessions_;
};

}  // namespace hiky::auth
