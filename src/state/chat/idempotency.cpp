// SPDX-License-Identifier: Apache-2.0
#include "state/chat/idempotency.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "state/ask.hpp"
#include "state/chat/keys.hpp"

namespace hiky::state {

namespace {

std::array<unsigned char, 32> sha256(std::string_view text) {
  std::array<unsigned char, 32> digest{};
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return digest;
}

}  // namespace

std::string body_digest(std::string_view text) {
  std::string out;
  for (auto const byte : sha256(text)) out += fmt::format("{:02x}", byte);
  return out;
}

std::string short_digest(std::string_view text, std::size_t bytes) {
  auto const digest = sha256(text);
  return to_base64url({reinterpret_cast<char const*>(digest.data()), std::min(bytes, digest.size())});
}

task<result<bool>> reserve_idempotency_key(redis::client& redis, once what) {
  auto const where = keys::idempotency(what.caller, what.key);
  redis::request both;
  both.add("SET", where, what.digest, "NX", "EX", what.life_s).add("GET", where);
  auto const answer = co_await redis.exec(std::move(both));
  if (!answer) co_return std::unexpected(in_context(answer.error(), "SET", where));
  co_return (*answer)[1].text() == what.digest;
}

}  // namespace hiky::state
