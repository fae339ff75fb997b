// SPDX-License-Identifier: Apache-2.0
// The commands that an instance's API offers: what each asks, and which of the answer goes into the report. The words
// come by value; the API outlives them.
#pragma once
#include "app/ctl/remote.hpp"
#include "app/ctl/words.hpp"

namespace hiky::ctl::over_api {

// remote_looks.cpp
outcome health(instance_api& api, words w);
outcome info(instance_api& api, words w);
outcome instances(instance_api& api, words w);
outcome explain_user(instance_api& api, words w);
outcome explain_message(instance_api& api, words w);
outcome online(instance_api& api, words w);
outcome clients(instance_api& api, words w);
outcome typing(instance_api& api, words w);
outcome user(instance_api& api, words w);
outcome queue(instance_api& api, words w);
outcome room(instance_api& api, words w);

// remote_changes.cpp
outcome cleanup(instance_api& api, words w);
outcome clear_queue(instance_api& api, words w);
outcome disconnect(instance_api& api, words w);
outcome pardon(instance_api& api, words w);
outcome add_members(instance_api& api, words w);
outcome remove_members(instance_api& api, words w);
outcome send(instance_api& api, words w);

}  // namespace hiky::ctl::over_api
