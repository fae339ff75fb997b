-- SPDX-License-Identifier: Apache-2.0
-- Removes announcements that have been made, unless the user went offline anew meanwhile.
-- KEYS 1 pending_offline  2 online_users
-- ARGV 1… user, claim, … as announce_due.lua gave them
-- Returns the users who came back in between: friends may have heard of the return before the absence
local pending_offline, online_users = KEYS[1], KEYS[2]
local first = 1

local back = {}
for i = first, #ARGV, 2 do
  local user, made = ARGV[i], ARGV[i + 1]
  local claim = redis.call('ZSCORE', pending_offline, user)
  if claim and tonumber(claim) == tonumber(made) then redis.call('ZREM', pending_offline, user)
  elseif not claim and redis.call('SISMEMBER', online_users, user) == 1 then table.insert(back, user) end
end
return back
