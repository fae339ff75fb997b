-- SPDX-License-Identifier: Apache-2.0
-- Where a room stood at a time, for a connection that has missed since when its user belongs to the room.
-- KEYS 1 room_members:{r}  2 room_head:{r}  3 room_log:{r}
-- ARGV 1 user  2 the time in ms
-- A key that another program has made another type holds nothing: nobody belongs to the room, or it has said nothing.
-- Returns { 1 when the user belongs to the room else 0, epoch (`` where nothing was ever said), seq of the last message
--      before the time }
-- include lib/first_since.lua
local members, head_key, log = KEYS[1], KEYS[2], KEYS[3]
local user, time = ARGV[1], tonumber(ARGV[2])

local head = redis.pcall('HMGET', head_key, 'epoch', 'seq')
if head.err then head = {} end
local member, newest = redis.pcall('SISMEMBER', members, user) == 1 and 1 or 0, tonumber(head[2] or 0)
local later = first_since(log, time)
return { member, head[1] or '', later and later - 1 or newest }
