// SPDX-License-Identifier: Apache-2.0
// The doors of the gateway: what a client may ask for depends on the address that it came to.
#pragma once
#include <cstdint>

namespace hiky::gateway {

// With --listen-admin, /metrics, the API and the demo are to be had from operators' addresses alone; and no proxy is
// expected in front of these.
enum class door : std::uint8_t { everything, clients, operators };

}  // namespace hiky::gateway
