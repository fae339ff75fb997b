// SPDX-License-Identifier: Apache-2.0
// The first bytes of a connection that a proxy forwards: a PROXY header, version 2, or anything else.
#include "demand.hpp"
#include "gateway/door/proxy_protocol.hpp"

using namespace hiky::gateway;

extern "C" int LLVMFuzzerTestOneInput(
    std::uint8_t const* data, std::size_t size) {  // NOLINT(readability-identifier-naming): libFuzzer calls it so
  std::span<unsigned char const> const all{data, size};
  auto const whole = parse_proxy_header(all);
  if (!whole) demand(!whole.error().empty(), "a refusal says why");
  if (size < proxy_head_size) {
    demand(!whole, "half a head names nobody");
    return 0;
  }
  // Read as from a socket: the head says how much follows.
  auto const rest = proxy_rest_size(all.first<proxy_head_size>());
  if (!rest) {
    demand(!whole && whole.error() == rest.error(), "a head that is refused is refused with its rest");
    return 0;
  }
  demand(*rest <= longest_proxy_rest, "a header has a limit");
  auto const needed = proxy_head_size + *rest;
  if (size < needed) {
    demand(!whole, "a header that is cut off names nobody");
    return 0;
  }
  auto const read = parse_proxy_header(all.first(needed));
  demand(read == whole, "what comes behind the header changes nothing");
  if (!read) return 0;
  bool const proxied = (data[12] & 15) == 1, by_ip = data[13] >> 4 == 1 || data[13] >> 4 == 2;
  demand(read->none() == !(proxied && by_ip), "only an IP address that is proxied names somebody");
  demand(read->none() || peer_address::parse(read->to_string()) == *read, "an address can be written and read again");
  return 0;
}
