// SPDX-License-Identifier: Apache-2.0
#include "state/idempotency.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "state/ask.hpp"
#include "state/keys.hpp"

namespace hiky::state {

std::string body_digest(std::string_view text) {
  std::array<unsigned char, 32> digest{};
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  std::string out;
  for (auto const byte : digest) out += fmt::format("{:02x}", byte);
  return out;
}

task<result<bool>> reserve_idempotency_key(redis::client& redis, std::string caller, std::string key, std::string digest) {
  auto const where = keys::idempotency(caller, key);
  redis::request both;
  both.add("SET", where, digest, "NX", "EX", idempotency_life_s).add("GET", where);
  auto const answer = co_await redis.exec(std::move(both));
  if (!answer) co_return std::unexpected(in_context(answer.error(), "SET", where));
  co_return (*answer)[1].text() == digest;
}

}  // namespace hiky::state
