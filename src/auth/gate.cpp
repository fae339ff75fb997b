// SPDX-License-Identifier: Apache-2.0
#include "auth/gate.hpp"

#include <fmt/format.h>

#include "auth/open.hpp"
#include "auth/reserved.hpp"

namespace hiky::auth {

gate::gate(asio::any_io_executor executor, gate_settings const& settings, redis::address redis, counters& count)
    : count_(count) {
  if (settings.jwt) tokens_ = std::make_unique<tokens>(executor, settings.jwt->keys, settings.jwt->rules, count);
  redis.database = settings.session_database;
  if (settings.session) sessions_ = std::make_unique<sessions>(executor, std::move(redis), *settings.session);
  if (settings.open) open_ = std::make_unique<open>();
}

// A client that has shown no proof of the kind is not counted.
verdict<std::optional<identity>> gate::counted(mode by, verdict<std::optional<identity>> found) {
  if (found && *found && is_reserved((*found)->user)) {
    found = std::unexpected(
        denial{errc::invalid_argument, fmt::format("'{}' {}", (*found)->user.str(), reserved_fault), outcome::claims});
  }
  if (!found || *found) {
    auto const what = found ? outcome::accepted : found.error().why;
    count_.judged[static_cast<std::size_t>(by)][static_cast<std::size_t>(what)].add();
  }
  return found;
}

task<verdict<std::optional<identity>>> gate::identify(credentials shown) {
  if (tokens_ && !shown.token.empty()) co_return counted(mode::jwt, co_await tokens_->identify(std::move(shown)));
  if (sessions_) {
    auto found = counted(mode::session, co_await sessions_->identify(shown));
    bool const useless = !found && found.error().code == errc::invalid_argument && (tokens_ || open_);
    if (!useless && (!found || *found)) co_return found;
  }
  if (open_) co_return counted(mode::open, co_await open_->identify(std::move(shown)));
  co_return std::nullopt;
}

task<result<std::vector<verdict<identity>>>> gate::look_again(std::vector<std::string> sessions) {
  if (!sessions_) co_return co_await authenticator::look_again(std::move(sessions));
  co_return co_await sessions_->look_again(std::move(sessions));
}

std::string gate::expected() const {
  std::string out;
  for (authenticator const* mode : {tokens_.get(), static_cast<authenticator*>(sessions_.get()), open_.get()}) {
    if (mode) out += (out.empty() ? "" : ", or ") + mode->expected();
  }
  return out;
}

}  // namespace hiky::auth
