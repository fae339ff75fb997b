-- SPDX-License-Identifier: Apache-2.0
-- Ends a user's typing.
-- KEYS[1]  ws:typing_users
-- KEYS[2]  ws:typing_users:{user}
-- ARGV[1]  user
-- returns  1 if the user was in the hash, 0 if not
local removed = redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[2])
return removed
