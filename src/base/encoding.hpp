// SPDX-License-Identifier: Apache-2.0
// Bytes as text, the ways the web writes them. Strict: one spelling for each value.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace hiky {

// base64url without padding (RFC 4648 section 5), as JOSE writes it. Nothing if `text` is anything else.
std::optional<std::string> from_base64url(std::string_view text);
// The same, written.
std::string to_base64url(std::string_view bytes);
// base64 with padding.
std::string to_base64(std::string_view bytes);
// The text that encodeURIComponent was given. Nothing when a `%` is not followed by two digits; `+` stays a plus.
std::optional<std::string> percent_decoded(std::string_view text);
// One segment of a path or one value of a query: everything but letters, digits and -._~ is escaped.
std::string percent_encoded(std::string_view text);

}  // namespace hiky
