-- SPDX-License-Identifier: Apache-2.0
-- The room in which a user types. An entry whose key has expired is dead and is removed on the way; as a command of its
-- own, the removal could hit a mark that the user set in between.
-- KEYS 1 typing_users  2 typing_users:{u}
-- ARGV 1 user
-- Returns the room, or nil
local typing_users, typing_user = KEYS[1], KEYS[2]
local user = ARGV[1]

local room = redis.call('HGET', typing_users, user)
if room and redis.call('EXISTS', typing_user) == 0 then
  -- pcall: a server that takes no writes now (READONLY) still answers the question.
  redis.pcall('HDEL', typing_users, user)
  return false
end
return room
