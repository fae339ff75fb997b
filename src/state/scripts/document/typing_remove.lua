-- SPDX-License-Identifier: Apache-2.0
-- Ends a user's typing.
-- KEYS 1 typing_users  2 typing_users:{u}
-- ARGV 1 user
-- Returns 1 if the user was in the hash, 0 if not
local typing_users, typing_user = KEYS[1], KEYS[2]
local user = ARGV[1]

local removed = redis.call('HDEL', typing_users, user)
redis.call('DEL', typing_user)
return removed
