-- SPDX-License-Identifier: Apache-2.0
-- An instance says that it lives, and learns which others do not. Time is Redis's.
-- KEYS 1 instances  2 sweeps
-- ARGV 1 instance  2 lease in ms  3 `begin`: the instance knows that it has none, and gets one
-- Returns { 1 renewed | 0 it had no lease (new, swept, or the data was lost) | 2 it is being swept right now and gets
--           none, expired instance… }
-- Without `begin` an instance that has lost its lease gets none: it must have heard of the loss first, and an answer
-- may be lost. The lease that connect.lua gives to an instance without one ends in .5 and is none here.
-- include lib/now.lua
local instances, sweeps = KEYS[1], KEYS[2]
local instance, lease, begins = ARGV[1], ARGV[2], ARGV[3] == 'begin'

-- No lease ends later than one that is renewed now, and no sweep, unless Redis's clock has stepped back: until it had
-- caught up, nobody would see that an instance is dead. (A claim of .5 stays one. Infinity, which another program may
-- have written, has no fraction.)
local latest = now + lease
local from = string.format('(%.0f', latest + 1)
for _, key in ipairs({ instances, sweeps }) do
  local late = redis.call('ZRANGEBYSCORE', key, from, '+inf', 'WITHSCORES', 'LIMIT', 0, 16)
  for i = 1, #late, 2 do
    local score = tonumber(late[i + 1])
    redis.call('ZADD', key, latest + (score < math.huge and score % 1 or 0), late[i])
  end
end
local own = redis.call('ZSCORE', instances, instance)
own = own and tonumber(own) % 1 == 0 and 1 or 0
local sweep = redis.call('ZSCORE', sweeps, instance)
if sweep then own = tonumber(sweep) >= now and 2 or 0 end
if own == 1 or own == 0 and begins then
  redis.call('ZREM', sweeps, instance)
  redis.call('ZADD', instances, latest, instance)
end
local out = redis.call('ZRANGEBYSCORE', instances, '-inf', '(' .. now, 'LIMIT', 0, 16)
table.insert(out, 1, own)
return out
