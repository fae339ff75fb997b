-- SPDX-License-Identifier: Apache-2.0
-- Takes an instance whose lease has ended, so that one sweeper wins; and one whose sweeper has died. The lease itself stays until
-- the sweep is done: its end tells when the instance was last alive.
-- KEYS 1 instances  2 sweeps
-- ARGV 1 the ended instance  2 how long the sweep may take before another may take over, in ms  3 `more` from the one who sweeps it
-- Returns 1 when the caller is to sweep it
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
if ARGV[3] ~= 'more' then
  local lease, sweep = redis.call('ZSCORE', KEYS[1], ARGV[1]), redis.call('ZSCORE', KEYS[2], ARGV[1])
  if not lease or tonumber(lease) >= now then return 0 end
  if sweep and tonumber(sweep) >= now then
    -- Further ahead than one that begins now, if Redis's clock has stepped back.
    if tonumber(sweep) > now + ARGV[2] then redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1]) end
    return 0
  end
end
redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1])
return 1
