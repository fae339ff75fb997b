-- SPDX-License-Identifier: Apache-2.0
-- Removes announcements that have been made, unless the user went offline anew meanwhile.
-- KEYS 1 pending_offline  2 online_users
-- ARGV user, claim, user, claim, … as announce_due.lua gave them
-- Returns the users who came back in between: friends may have heard of the return before the absence
local back = {}
for i = 1, #ARGV, 2 do
  local claim = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if claim and tonumber(claim) == tonumber(ARGV[i + 1]) then redis.call('ZREM', KEYS[1], ARGV[i])
  elseif not claim and redis.call('SISMEMBER', KEYS[2], ARGV[i]) == 1 then table.insert(back, ARGV[i]) end
end
return back
