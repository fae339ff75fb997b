-- SPDX-License-Identifier: Apache-2.0
-- Takes an instance whose lease has ended, so that one sweeper wins; and one whose sweeper has died. The lease itself
-- stays until the sweep is done: its end tells when the instance was last alive.
-- KEYS 1 instances  2 sweeps
-- ARGV 1 the ended instance  2 how long the sweep may take before another may take over, in ms
--      3 `more` from the instance that sweeps it
-- Returns 1 when the caller is to sweep it
-- include lib/now.lua
local instances, sweeps = KEYS[1], KEYS[2]
local instance, patience, goes_on = ARGV[1], ARGV[2], ARGV[3] == 'more'

local latest = now + patience
local lease = redis.call('ZSCORE', instances, instance)
-- The instance has ended in order meanwhile, and no other instance would look for this sweep.
if goes_on and not lease then
  redis.call('ZREM', sweeps, instance)
  return 0
end
if not goes_on then
  local sweep = redis.call('ZSCORE', sweeps, instance)
  if not lease or tonumber(lease) >= now then return 0 end
  if sweep and tonumber(sweep) >= now then
    -- Further ahead than one that begins now, if Redis's clock has stepped back.
    if tonumber(sweep) > latest then redis.call('ZADD', sweeps, latest, instance) end
    return 0
  end
end
redis.call('ZADD', sweeps, latest, instance)
return 1
