// SPDX-License-Identifier: Apache-2.0
#include "auth/key_source.hpp"

#include <fmt/format.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>

#include "auth/key_text.hpp"
#include "base/log.hpp"

namespace hiky::auth {

namespace {
constexpr std::chrono::milliseconds soon{1'000};  // after a failure that leaves nothing to check tokens with
}

task<result<void>> key_source::refresh() {
  if (std::holds_alternative<std::monostate>(places_.jwks)) co_return result<void>{};
  auto const now = clock::now();
  auto const pause = keys_.empty() ? std::min(places_.pause, soon) : places_.pause;
  bool const due = (!read_ || now - *read_ > places_.life) && (!tried_ || now - *tried_ > pause);
  // Only a caller that finds no keys waits; the others use the old keys while they are renewed.
  if (!read_ && (due || fetching_)) co_await fetch();
  else if (due) asio::co_spawn(executor_, fetch(), asio::detached);
  if (!read_ && keys_.empty())
    co_return fail(errc::not_connected, "the keys for tokens could not be fetched: " + fault_);
  co_return result<void>{};
}

task<bool> key_source::look_again() {
  if (std::holds_alternative<std::monostate>(places_.jwks)) co_return false;
  if (!fetching_ && looked_ && clock::now() - *looked_ < places_.pause) co_return false;
  if (!fetching_) looked_ = clock::now();
  co_await fetch();
  co_return true;
}

task<> key_source::fetch() {
  if (fetching_) {
    boost::system::error_code ended;
    co_await fetched_.async_wait(asio::redirect_error(use_task, ended));
    co_return;
  }
  fetching_ = true;
  fetched_.expires_after(places_.patience * 2);
  tried_ = clock::now();
  count_.jwks_fetches.add();
  auto found = co_await read();
  fetching_ = false;
  fetched_.cancel();
  if (!found) {
    fault_ = found.error().text;
    count_.jwks_failures.add();
    log::warn("jwks.unread", {{"reason", fault_}, {"keys", keys_.size()}});
    co_return;
  }
  read_ = clock::now();
  keys_ = places_.fixed;
  keys_.add(*found);
  log::debug("jwks.read", {{"keys", found->size()}});
}

task<result<key_set>> key_source::read() {
  if (auto const* place = std::get_if<std::string>(&places_.jwks)) {
    auto const text = key_text(*place);
    if (!text) co_return std::unexpected(text.error());
    co_return key_set::from_jwks(*text, true);
  }
  auto const answer =
      co_await http_fetch(executor_, std::get<web_address>(places_.jwks), {.patience = places_.patience});
  if (!answer) co_return std::unexpected(answer.error());
  if (answer->status != 200)
    co_return fail(errc::io,
                   fmt::format("{}: status {}", std::get<web_address>(places_.jwks).to_string(), answer->status));
  co_return key_set::from_jwks(answer->body, false);
}

}  // namespace hiky::auth
