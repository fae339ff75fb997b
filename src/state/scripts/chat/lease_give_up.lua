-- SPDX-License-Identifier: Apache-2.0
-- An instance ends. Its lease goes when Redis lists no connection of it. What is still listed is there for ever without
-- a lease, so then the lease ends now, and other instances sweep it like that of a dead instance.
-- KEYS 1 instances  2 instance_connections:{i}
-- ARGV 1 instance
-- Returns how many connections are still listed
local instances, listed = KEYS[1], KEYS[2]
local instance = ARGV[1]

local left = redis.call('HLEN', listed)
if left == 0 then
  redis.call('ZREM', instances, instance)
else
  -- include lib/now.lua
  redis.call('ZADD', instances, now, instance)
end
return left
