// SPDX-License-Identifier: Apache-2.0
#include "base/digest.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>

#include "base/encoding.hpp"

namespace hiky {

sha256_digest sha256(std::string_view text) {
  sha256_digest digest{};
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return digest;
}

std::string sha256_hex(std::string_view text) {
  std::string out;
  for (auto const byte : sha256(text)) out += fmt::format("{:02x}", byte);
  return out;
}

std::string short_digest(std::string_view text, std::size_t bytes) {
  auto const digest = sha256(text);
  return to_base64url({reinterpret_cast<char const*>(digest.data()), std::min(bytes, digest.size())});
}

}  // namespace hiky
