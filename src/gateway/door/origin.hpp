// SPDX-License-Identifier: Apache-2.0
// Whether the page that a handshake comes from may connect: browsers send cookies along with anybody's page, and say
// whose it is. Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace hiky::gateway {

// `origin` is the header's value; empty when there is none, as with everything that is not a browser. `host` is the
// Host header. Without patterns the origin's host and port must be those of `host`.
bool origin_allowed(std::string_view origin, std::string_view host, std::vector<std::string> const& patterns);

// `*`, `null`, or SCHEME://HOST[:PORT], in which `*` stands for any number of letters, digits, dots and hyphens.
result<std::string> parse_origin_pattern(std::string_view text);

}  // namespace hiky::gateway
