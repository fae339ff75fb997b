-- SPDX-License-Identifier: Apache-2.0
-- Mail that was claimed for a connection which is gone: nobody else would put it back. Found and mended in one step.
-- KEYS 1 offline_inflight:{u}:{c}  2 user_connections:{u}  3 offline_messages:{u}  4 offline_dropped:{u}
-- ARGV 1 `repair` or ``  2 connection
-- Returns how many messages are stuck
local inflight, user_connections, mailbox, dropped = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local repair, connection = ARGV[1] == 'repair', ARGV[2]

local stuck = redis.pcall('LLEN', inflight)
if type(stuck) ~= 'number' or stuck == 0 or redis.pcall('HEXISTS', user_connections, connection) == 1 then return 0 end
if repair then
  -- include lib/give_back.lua
  -- include lib/mailbox_cap.lua
  give_back(redis.call, inflight, mailbox)
  local lost = cap_mailbox(mailbox, redis.call('LLEN', mailbox))
  if lost > 0 then redis.call('INCRBY', dropped, lost) end
end
return stuck
