-- SPDX-License-Identifier: Apache-2.0
-- Queues a message in front and forgets the oldest beyond the limit, so that no reader ever sees more than the limit.
-- KEYS[1]  ws:offline_messages:{user}
-- ARGV[1]  message, JSON text
-- ARGV[2]  limit
-- returns  1
redis.call('LPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], 0, ARGV[2] - 1)
return 1
