-- SPDX-License-Identifier: Apache-2.0
-- A swept instance is forgotten, unless it has connections again: it was only silent, and clients connected to it
-- behind the sweep's list. Then its lease stays as ended as it is, and the next look finds it; it ends in .5, by which
-- the instance learns that its earlier connections were undone (lease_renew.lua).
-- KEYS 1 instances  2 sweeps  3 instance_connections:{i}
-- ARGV 1 instance
-- Returns 1, or 0 when there are connections
local instances, sweeps, listed = KEYS[1], KEYS[2], KEYS[3]
local instance = ARGV[1]

local empty = redis.call('EXISTS', listed) == 0
local lease = redis.call('ZSCORE', instances, instance)
if empty then redis.call('ZREM', instances, instance)
elseif lease then redis.call('ZADD', instances, math.floor(lease) + 0.5, instance) end
redis.call('ZREM', sweeps, instance)
return empty and 1 or 0
