-- SPDX-License-Identifier: Apache-2.0
-- A swept instance is forgotten, unless it has connections again: it was only silent, and somebody came to it behind the sweep's list. Then its
-- lease stays as ended as it is, and the next look finds it; it ends in .5, by which the instance learns that what it had before was undone
-- (lease_renew.lua).
-- KEYS 1 instances  2 sweeps  3 instance_connections:{i}
-- ARGV 1 instance
-- Returns 1, or 0 when there are connections
local empty = redis.call('EXISTS', KEYS[3]) == 0
local lease = redis.call('ZSCORE', KEYS[1], ARGV[1])
if empty then redis.call('ZREM', KEYS[1], ARGV[1])
elseif lease then redis.call('ZADD', KEYS[1], math.floor(lease) + 0.5, ARGV[1]) end
redis.call('ZREM', KEYS[2], ARGV[1])
return empty and 1 or 0
