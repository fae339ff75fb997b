-- SPDX-License-Identifier: Apache-2.0
-- Who types where. Entries whose key has expired are dead and are removed on the way.
-- KEYS[1]  ws:typing_users
-- ARGV[1]  ws:typing_users: (a user's id behind it gives the key that lives while the user types)
-- returns  user, room, user, room, …
local entries = redis.call('HGETALL', KEYS[1])
local typing = {}
for i = 1, #entries, 2 do
  if redis.call('EXISTS', ARGV[1] .. entries[i]) == 1 then
    typing[#typing + 1] = entries[i]
    typing[#typing + 1] = entries[i + 1]
  else
    -- pcall: a server that takes no writes now (READONLY) still answers the question.
    redis.pcall('HDEL', KEYS[1], entries[i])
  end
end
return typing
