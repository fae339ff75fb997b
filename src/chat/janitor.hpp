// SPDX-License-Identifier: Apache-2.0
// Undoes what ended instances left in Redis.
#pragma once
#include <vector>

#include "base/async.hpp"
#include "base/error.hpp"
#include "base/ids.hpp"
#include "state/store.hpp"

namespace hiky::chat {

// Ends every connection of every instance but `own`, with all that the document's disconnect flow does; gives how many there were.
// For a Redis that nobody else uses, before the first connection: with the embedded one, whatever is online at start has ended.
task<result<std::size_t>> sweep_others(state::store& store, instance_id own);

}  // namespace hiky::chat
