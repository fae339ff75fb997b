-- SPDX-License-Identifier: Apache-2.0
-- Where a room stood at a time, for a connection that has missed since when its user belongs to the room.
-- KEYS 1 room_members:{r}  2 room_head:{r}  3 room_log:{r}
-- ARGV 1 user  2 the time in ms
-- A key that another program has made another type holds nothing: nobody belongs to the room, or it has said nothing.
-- Returns { 1 when the user belongs to the room else 0, epoch (`` where nothing was ever said), seq of the last message before the time }
local call = redis.call
local head, oldest = redis.pcall('HMGET', KEYS[2], 'epoch', 'seq'), redis.pcall('XRANGE', KEYS[3], '-', '+', 'COUNT', 1)
if head.err then head = {} end
local member, epoch, newest = redis.pcall('SISMEMBER', KEYS[1], ARGV[1]) == 1 and 1 or 0, head[1] or '', tonumber(head[2] or 0)
local time = tonumber(ARGV[2])
local function read(entry)
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 't' then return tonumber(entry[1]:match('^%d+')), tonumber(entry[2][i + 1]) end
  end
  return tonumber(entry[1]:match('^%d+')), 0
end
if oldest.err or not oldest[1] then return { member, epoch, newest } end
local low = read(oldest[1])
local high, at = read(call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1])
if at < time then return { member, epoch, newest } end
while low < high do
  local middle = math.floor((low + high) / 2)
  local seq, said = read(call('XRANGE', KEYS[3], string.format('%.0f-0', middle), '+', 'COUNT', 1)[1])
  if said >= time then high = middle else low = seq + 1 end
end
return { member, epoch, low - 1 }
