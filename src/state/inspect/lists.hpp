// SPDX-License-Identifier: Apache-2.0
// Lists of everything, for programs that page through them: users, rooms, who is where.
#pragma once
#include "base/ids.hpp"
#include "redis/client.hpp"
#include "state/page.hpp"

namespace hiky::state {

// Pages as read_page makes them, and with its errors.
task<result<list_page>> online_page(redis::client& redis, page_wish wish);
// User, and the JSON of the user's newest connection as Redis holds it.
task<result<list_page>> clients_page(redis::client& redis, page_wish wish);
// Users who have the room open; users who are members of it, connected or not.
task<result<list_page>> joined_page(redis::client& redis, room_id room, page_wish wish);
task<result<list_page>> members_page(redis::client& redis, room_id room, page_wish wish);
// Rooms whose member the user is.
task<result<list_page>> rooms_page(redis::client& redis, user_id user, page_wish wish);

}  // namespace hiky::state
