-- SPDX-License-Identifier: Apache-2.0
-- Takes an instance whose lease has ended, so that one sweeper wins; and one whose sweeper has died.
-- KEYS 1 instances  2 sweeps
-- ARGV 1 the ended instance  2 how long the sweep may take before another may take over, in ms  3 `more` from the one who sweeps it
-- Returns 1 when the caller is to sweep it
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local function ended(key)
  local lease = redis.call('ZSCORE', key, ARGV[1])
  return lease and tonumber(lease) < now
end
if ARGV[3] ~= 'more' and not ended(KEYS[1]) and not ended(KEYS[2]) then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1])
return 1
