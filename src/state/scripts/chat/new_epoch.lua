-- SPDX-License-Identifier: Apache-2.0
-- A room's epoch is over: messages that were given its numbers are lost, and others must not get them.
-- KEYS 1 room_head:{r}  2 room_log:{r}
-- ARGV 1 the epoch that is over  2 the epoch to begin
-- Returns 1, or 0 when the room has another epoch already
local head, log = KEYS[1], KEYS[2]
local over, next_epoch = ARGV[1], ARGV[2]

if redis.call('HGET', head, 'epoch') ~= over then return 0 end
redis.call('DEL', head, log)
redis.call('HSET', head, 'epoch', next_epoch)
return 1
