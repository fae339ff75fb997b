-- SPDX-License-Identifier: Apache-2.0
-- Queues a message in front and forgets the oldest beyond the limit, so that no reader ever sees more than the limit.
-- KEYS 1 offline_messages:{u}
-- ARGV 1 message, JSON text  2 limit
-- Returns 1
local mailbox = KEYS[1]
local message, limit = ARGV[1], ARGV[2]

redis.call('LPUSH', mailbox, message)
redis.call('LTRIM', mailbox, 0, limit - 1)
return 1
