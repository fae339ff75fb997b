-- SPDX-License-Identifier: Apache-2.0
-- Puts claimed but undelivered mail back, behind what came since (it is older), within the cap.
-- KEYS 1 offline_messages:{u}  2 offline_inflight:{u}:{c}  3 offline_dropped:{u}
-- ARGV 1 how many the claim had reported as dropped
-- Returns how many were put back
local messages = redis.call('LRANGE', KEYS[2], 0, -1)
for _, message in ipairs(messages) do redis.call('RPUSH', KEYS[1], message) end
redis.call('DEL', KEYS[2])
local extra = math.max(redis.call('LLEN', KEYS[1]) - 100, 0)
if extra > 0 then redis.call('LTRIM', KEYS[1], 0, 99) end
local dropped = extra + tonumber(ARGV[1])
if dropped > 0 then redis.call('INCRBY', KEYS[3], dropped) end
return #messages
