// SPDX-License-Identifier: Apache-2.0
// The judges of options together: each judge reads its part of what was said, the files that it names included, and
// puts it into the configuration. The fault names the option and the mend, in one line without a full stop.
#pragma once
#include <optional>
#include <string>

#include "app/options/draft.hpp"

namespace hiky::app {

using fault = std::optional<std::string>;

// In this order: later judges read what earlier ones found, and the first fault is the one that is told.
fault judge_listeners(draft& d);
fault judge_identity(draft& d);
fault judge_rooms(draft& d);
fault judge_door(draft& d);  // the demo, TLS, proxies
fault judge_redis(draft& d);
fault judge_limits(draft& d);
fault judge_api_keys(draft& d);
fault judge_instance(draft& d);  // its name, its threads, how it sends

}  // namespace hiky::app
