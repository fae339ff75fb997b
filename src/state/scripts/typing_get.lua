-- SPDX-License-Identifier: Apache-2.0
-- The room in which a user types. An entry whose key has expired is dead and is removed on the way; as a command of its
-- own, the removal could hit a mark that the user set in between.
-- KEYS[1]  ws:typing_users
-- KEYS[2]  ws:typing_users:{user}
-- ARGV[1]  user
-- returns  room, or nil
local room = redis.call('HGET', KEYS[1], ARGV[1])
if room and redis.call('EXISTS', KEYS[2]) == 0 then
  -- pcall: a server that takes no writes now (READONLY) still answers the question.
  redis.pcall('HDEL', KEYS[1], ARGV[1])
  return false
end
return room
