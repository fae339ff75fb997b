// SPDX-License-Identifier: Apache-2.0
// SHA-256, as bytes and as the texts that are stored and compared.
#pragma once
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace hiky {

using sha256_digest = std::array<unsigned char, 32>;
sha256_digest sha256(std::string_view text);
// 64 hexadecimal digits.
std::string sha256_hex(std::string_view text);
// The first `bytes` of the digest in base64url, for values that are kept by the million.
std::string short_digest(std::string_view text, std::size_t bytes);

}  // namespace hiky
