// SPDX-License-Identifier: Apache-2.0
// Whether Redis takes writes.
#pragma once
#include "base/async.hpp"
#include "base/error.hpp"
#include "redis/client.hpp"

namespace hiky::state {

// A write that changes nothing, in the way that messages go: by a script, which publishes as well. Scripts of messages
// do not tell: one that has deleted something may go on to write when memory has run out. write_probe.lua
task<result<void>> probe_write(redis::client& redis);

// Whether a probe has failed because Redis refuses it: writes of all users, or what this user may not do (NOPERM).
// Otherwise Redis is away, or will soon answer.
bool is_refusal(error const& e);

}  // namespace hiky::state
