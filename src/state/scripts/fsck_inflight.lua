-- SPDX-License-Identifier: Apache-2.0
-- Mail that was claimed for a connection which is gone: nobody else would put it back. Told and mended in one step.
-- KEYS 1 offline_inflight:{u}:{c}  2 user_connections:{u}  3 offline_messages:{u}  4 offline_dropped:{u}
-- ARGV 1 `repair` or ``  2 connection
-- Returns how many messages are stuck
local stuck = redis.pcall('LLEN', KEYS[1])
if type(stuck) ~= 'number' or stuck == 0 or redis.pcall('HEXISTS', KEYS[2], ARGV[2]) == 1 then return 0 end
if ARGV[1] == 'repair' then
  for _, message in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do redis.call('RPUSH', KEYS[3], message) end
  redis.call('DEL', KEYS[1])
  local over = redis.call('LLEN', KEYS[3]) - 100
  if over > 0 then
    redis.call('LTRIM', KEYS[3], 0, 99)
    redis.call('INCRBY', KEYS[4], over)
  end
end
return stuck
