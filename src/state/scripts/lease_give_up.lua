-- SPDX-License-Identifier: Apache-2.0
-- An instance ends. Its lease goes when Redis lists no connection of it. What is still listed is there for ever without
-- a lease, so then the lease ends now, and other instances sweep it like that of a dead instance.
-- KEYS 1 instances  2 instance_connections:{i}
-- ARGV 1 instance
-- Returns how many connections are still listed
local left = redis.call('HLEN', KEYS[2])
if left == 0 then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  local now = redis.call('TIME')
  redis.call('ZADD', KEYS[1], now[1] * 1000 + math.floor(now[2] / 1000), ARGV[1])
end
return left
