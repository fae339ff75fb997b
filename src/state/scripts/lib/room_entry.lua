-- SPDX-License-Identifier: Apache-2.0
-- include lib/time_from.lua
-- include lib/instance_of.lua
-- include chat/bus_letters.hpp
-- The time in ms from which a user who enters a room now takes part in it, as a string; and the room's place then:
-- epoch and seq.
local function entry_now(head_key, clock_key)
  local head = redis.pcall('HMGET', head_key, 'epoch', 'seq', 't')
  if head.err then head = {} end  -- another program has made it another type: no message is known
  local _, time = time_from(clock_key, tonumber(head[3]) or 0)
  return time, (head[1] or '') .. ' ' .. (head[2] or '0')
end
-- Tells the instances that hold connections of the user (`connections`: ids and values of user_connections:{u} in
-- turn), but for the connection that knows it.
local function tell_entry(user, room, time, place, connections, knows, instance_channel_of)
  local told = {}
  for i = 1, #connections, 2 do
    local instance = connections[i] ~= knows and instance_of(connections[i + 1])
    if instance and not told[instance] then
      told[instance] = true
      local notice = bus.entry .. user .. '\n' .. time .. ' ' .. place .. ' ' .. room
      redis.call('PUBLISH', instance_channel_of .. instance, notice)
    end
  end
end
