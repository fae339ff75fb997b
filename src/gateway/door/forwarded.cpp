// SPDX-License-Identifier: Apache-2.0
#include "gateway/door/forwarded.hpp"

#include <vector>

#include "gateway/http/header_list.hpp"

namespace hiky::gateway {

peer_address forwarded_client(http_request const& r, peer_address from,
                              std::function<bool(peer_address const&)> const& is_trusted) {
  std::vector<std::string_view> hops;
  auto const [first, last] = r.equal_range("X-Forwarded-For");
  for (auto it = first; it != last; ++it) {
    for (std::string_view rest{it->value()};;) {
      auto const comma = rest.find(',');
      hops.push_back(trimmed(rest.substr(0, comma)));
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  auto out = from;
  for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
    auto const a = peer_address::parse(*hop);
    if (!a) break;  // said by a proxy we trust, but no address: whoever said it is as far as we know
    out = *a;
    if (!is_trusted(out)) break;
  }
  return out;
}

peer_address client_of(http_request const& r, admission::seat const& seat, admission const& doors) {
  auto const is_trusted = [&](peer_address const& a) { return doors.is_trusted(a); };
  return is_trusted(seat.address()) ? forwarded_client(r, seat.address(), is_trusted) : seat.address();
}

}  // namespace hiky::gateway
