-- SPDX-License-Identifier: Apache-2.0
-- The rooms whose durable member a user is, and where each stands.
-- KEYS 1 member_rooms:{u}
-- ARGV 1 prefix room_head
-- Returns { Redis TIME in ms, when the latest message of all these rooms was said in ms or 0, room, epoch, seq, … };
--      epoch is empty where nothing was ever said
local now = redis.call('TIME')
local out, newest = { string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000)), '0' }, 0
for _, room in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local head = redis.pcall('HMGET', ARGV[1] .. room, 'epoch', 'seq', 't')
  if head.err then head = {} end  -- another program has made it another type: that is the room's loss, and keeps no member out
  out[#out + 1] = room
  out[#out + 1] = head[1] or ''
  out[#out + 1] = head[2] or '0'
  newest = math.max(newest, tonumber(head[3] or 0) or 0)
end
out[2] = string.format('%.0f', newest)
return out
