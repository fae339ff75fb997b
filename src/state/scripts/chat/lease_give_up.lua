-- SPDX-License-Identifier: Apache-2.0
-- An instance ends. Its lease goes when Redis lists no connection of it. A connection that is still listed would be
-- there for ever without a lease, so then the lease ends now, and other instances sweep it like that of a dead instance.
-- A sweep that another instance has begun and cannot finish goes with the lease: without a lease, no instance would look
-- for it.
-- KEYS 1 instances  2 sweeps  3 instance_connections:{i}
-- ARGV 1 instance
-- Returns how many connections are still listed
local instances, sweeps, listed = KEYS[1], KEYS[2], KEYS[3]
local instance = ARGV[1]

local left = redis.call('HLEN', listed)
if left == 0 then
  redis.call('ZREM', instances, instance)
  redis.call('ZREM', sweeps, instance)
else
  -- include lib/now.lua
  redis.call('ZADD', instances, now, instance)
end
return left
