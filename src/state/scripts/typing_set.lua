-- SPDX-License-Identifier: Apache-2.0
-- Marks a user as typing, for as long as the second key lives.
-- KEYS[1]  ws:typing_users
-- KEYS[2]  ws:typing_users:{user}
-- ARGV[1]  user
-- ARGV[2]  room
-- ARGV[3]  lifetime in seconds
-- returns  1
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
return 1
