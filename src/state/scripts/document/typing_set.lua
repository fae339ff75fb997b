-- SPDX-License-Identifier: Apache-2.0
-- Marks a user as typing, for as long as the second key lives.
-- KEYS 1 typing_users  2 typing_users:{u}
-- ARGV 1 user  2 room  3 lifetime in s
-- Returns 1
local typing_users, typing_user = KEYS[1], KEYS[2]
local user, room, life = ARGV[1], ARGV[2], ARGV[3]

redis.call('HSET', typing_users, user, room)
redis.call('SET', typing_user, room, 'EX', life)
return 1
