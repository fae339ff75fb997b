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
-- The instances that hold connections of a user (`connections`: ids and values of user_connections:{u} in turn), but
-- for the connection that knows it. Looked for once, not per room: the values may be long.
local function instances_to_tell(connections, knows)
  local instances, known = {}, {}
  for i = 1, #connections, 2 do
    local instance = connections[i] ~= knows and instance_of(connections[i + 1])
    if instance and not known[instance] then
      known[instance] = true
      instances[#instances + 1] = instance
    end
  end
  return instances
end
-- Tells instances that a user takes part in a room from now on.
local function tell_entry(user, room, time, place, instances, instance_channel_of)
  local notice = bus.entry .. user .. '\n' .. time .. ' ' .. place .. ' ' .. room
  for _, instance in ipairs(instances) do redis.call('PUBLISH', instance_channel_of .. instance, notice) end
end
