-- SPDX-License-Identifier: Apache-2.0
-- Which users type where. Entries whose key has expired are dead and are removed on the way.
-- KEYS 1 typing_users
-- ARGV 1 prefix typing_users: (a user's id behind it gives the key that lives while the user types)
-- Returns { user, room, … }
local typing_users, typing_user_of = KEYS[1], ARGV[1]

local entries, typing = redis.call('HGETALL', typing_users), {}
for i = 1, #entries, 2 do
  local user, room = entries[i], entries[i + 1]
  if redis.call('EXISTS', typing_user_of .. user) == 1 then
    typing[#typing + 1] = user
    typing[#typing + 1] = room
  else
    -- pcall: a server that takes no writes now (READONLY) still answers the question.
    redis.pcall('HDEL', typing_users, user)
  end
end
return typing
