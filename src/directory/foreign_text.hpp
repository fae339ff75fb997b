// SPDX-License-Identifier: Apache-2.0
// Text that other programs wrote into Redis. Frames are valid UTF-8 or the client hangs up, so it is mended before it
// travels.
#pragma once
#include <string>
#include <string_view>

namespace hiky::directory {

// RFC 3629: shortest forms only, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

// `text` with each byte that belongs to no valid character replaced by U+FFFD.
std::string mended_utf8(std::string text);

}  // namespace hiky::directory
