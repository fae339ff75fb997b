// SPDX-License-Identifier: Apache-2.0
#include "auth/tokens.hpp"

namespace hiky::auth {

task<verdict<std::optional<identity>>> tokens::identify(credentials shown) {
  if (shown.token.empty()) co_return std::nullopt;
  if (auto const there = co_await keys_.refresh(); !there) co_return std::unexpected(there.error());
  auto const judged = [&] { return judge_token(shown.token, keys_.keys(), rules_, std::chrono::system_clock::now()); };
  auto found = judged();
  // A key that is new since the last look. Forged ids must not make us ask at every try, which look_again sees to.
  if (!found && found.error().code == errc::not_found && co_await keys_.look_again()) found = judged();
  if (found) co_return std::move(*found);
  if (found.error().code == errc::not_found) found.error().code = errc::invalid_argument;
  co_return std::unexpected(std::move(found.error()));
}

}  // namespace hiky::auth
