-- SPDX-License-Identifier: Apache-2.0
-- The rooms whose durable member a user is, and where each stands.
-- KEYS 1 member_rooms:{u}
-- ARGV 1 prefix room_head
-- Returns { room, epoch, seq, … }; epoch is empty where nothing was ever said
local out = {}
for _, room in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local head = redis.call('HMGET', ARGV[1] .. room, 'epoch', 'seq')
  out[#out + 1] = room
  out[#out + 1] = head[1] or ''
  out[#out + 1] = head[2] or '0'
end
return out
