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
    co_return std::unexpected(denial{errc::invalid_argument,
                                     "the session is refused: its cookie is not one that the application has signed",
                                     outcome::forged});
  }
  auto found = co_await look_again({*id});
  if (!found) co_return std::unexpected(std::move(found.error()));
  auto& only = found->front();
  if (!only) co_return std::unexpected(std::move(only.error()));
  co_return std::move(*only);
}

task<result<std::vector<verdict<identity>>>> sessions::look_again(std::vector<std::string> ids) {
  redis::request asked;
  for (auto const& id : ids) asked.add("GET", settings_.prefix + id).add("PTTL", settings_.prefix + id);
  // One key that another program has spoilt must not hide the others.
  auto const reply = co_await redis_.exec_each(std::move(asked));
  if (!reply) co_return std::unexpected(reply.error());
  std::vector<verdict<identity>> out;
  out.reserve(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i)
    out.push_back(judge(std::move(ids[i]), (*reply)[2 * i], (*reply)[2 * i + 1]));
  co_return out;
}

verdict<identity> sessions::judge(std::string id, redis::value stored, redis::value life) const {
  for (auto const& part : {stored, life}) {
    if (part.is_error()) return fail(errc::server_error, std::string{part.text()});
  }
  auto const text = stored.string();
  // Between the two it may have gone.
  if (!text || life.integer() == -2) {
    return std::unexpected(
        denial{errc::invalid_argument, "the session is refused: it is over; log in again", outcome::expired});
  }
  auto found =
      read_session(*text, settings_.user_path,
                   life.integer() < 0 ? std::nullopt : std::optional{std::chrono::milliseconds{life.integer()}},
                   std::chrono::system_clock::now());
  if (found) found->session = std::move(id);
  return found;
}

}  // namespace hiky::auth
