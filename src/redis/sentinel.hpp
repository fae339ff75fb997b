// SPDX-License-Identifier: Apache-2.0
// Where the master is: the first Sentinel that tells is believed.
#pragma once
#include "redis/dial.hpp"

namespace hiky::redis {

// Begins with Sentinel `first`, counted round. Asks by `through`, which is open to the last Sentinel asked when this
// returns. A Sentinel that wants a login gets the one of Redis.
task<result<address::host_port>> find_master(socket& through, address const& where, tls::context secure,
                                             std::size_t first);

}  // namespace hiky::redis
