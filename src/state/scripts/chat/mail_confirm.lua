-- SPDX-License-Identifier: Apache-2.0
-- Claimed mail has arrived, and so has the number of those the cap had dropped.
-- KEYS 1 offline_inflight:{u}:{c}  2 offline_dropped:{u}
-- ARGV 1 how many the claim had reported as dropped  2 how many of the oldest messages arrived
-- Returns 0
local inflight, dropped = KEYS[1], KEYS[2]
local told, arrived = ARGV[1], ARGV[2]

redis.call('LTRIM', inflight, 0, -1 - arrived)
if redis.call('DECRBY', dropped, told) <= 0 then redis.call('DEL', dropped) end
return 0
