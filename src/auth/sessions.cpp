// SPDX-License-Identifier: Apache-2.0
#include "auth/sessions.hpp"

#include "auth/session_cookie.hpp"

namespace hiky::auth {

sessions::sessions(asio::any_io_executor executor, redis::address where, session_settings settings)
    : redis_(std::move(executor), std::move(where)), settings_(std::move(settings)) {
  redis_.start();
}

task<verdict<std::optional<identity>>> sessions::identify(credentials shown) {
  auto const value = cookie_value(shown.cookies, settings_.cookie);
  if (!value) co_return std::nullopt;
  auto const id = signed_session_id(*value, settings_.secrets);
  if (!id) {
    co_return std::unexpected(
        denial{errc::invalid_argument, "the session is refused: its cookie is not one that the application has signed", outcome::forged});
  }
  auto const key = settings_.prefix + *id;
  auto const reply = co_await redis_.exec(redis::request{"GET", key}.add("PTTL", key));
  if (!reply) co_return std::unexpected(reply.error());
  auto const text = (*reply)[0].string();
  auto const life = (*reply)[1].integer();
  // Between the two it may have gone.
  if (!text || life == -2) {
    co_return std::unexpected(denial{errc::invalid_argument, "the session is refused: it is over; log in again", outcome::expired});
  }
  auto found = read_session(*text, settings_.user_path, life < 0 ? std::nullopt : std::optional{std::chrono::milliseconds{life}},
                            std::chrono::system_clock::now());
  if (!found) co_return std::unexpected(std::move(found.error()));
  co_return std::move(*found);
}

}  // namespace hiky::auth
