-- SPDX-License-Identifier: Apache-2.0
-- The rooms whose durable member a user is, and where each stands.
-- KEYS 1 member_rooms:{u}
-- ARGV 1 prefix room_head
-- Returns { Redis TIME in ms, when the latest message of all these rooms was said in ms or 0, room, epoch, seq, … };
--      epoch is empty where nothing was ever said
-- include lib/now.lua
local member_rooms, head_of = KEYS[1], ARGV[1]

local out, newest = { string.format('%.0f', now), '0' }, 0
for _, room in ipairs(redis.call('SMEMBERS', member_rooms)) do
  local head = redis.pcall('HMGET', head_of .. room, 'epoch', 'seq', 't')
  if head.err then head = {} end  -- another program has made it another type: the room's loss keeps no member out
  out[#out + 1] = room
  out[#out + 1] = head[1] or ''
  out[#out + 1] = head[2] or '0'
  newest = math.max(newest, tonumber(head[3] or 0) or 0)
end
if newest > 0 then out[2] = string.format('%.0f', newest) end
return out
