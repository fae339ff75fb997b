-- SPDX-License-Identifier: Apache-2.0
-- include lib/spoilt.lua
-- include lib/doubt.lua
-- The rooms of which a connection owes messages. Of a room that the user has left, nothing is owed any more.
-- `takes_part`: the user's rooms, as a set; `began`: when the connection did; `heard_since`: as connections_left gives
-- it.

-- All rooms, since the time `since`, of a connection that says nothing of them. Until `some_until` it may have heard
-- rooms that it may not hear any more.
local function doubt_all(doubts, takes_part, member_rooms, since, heard_since, some_until)
  for room in pairs(takes_part) do as_far_as_possible(doubt, doubts, room, 0, since, heard_since) end
  if not some_until then return end
  for _, room in ipairs(redis.call('SMEMBERS', member_rooms)) do
    if not takes_part[room] then
      as_far_as_possible(doubt, doubts, room, 0, since, math.min(heard_since, some_until + 1))
    end
  end
end

-- The rooms that its instance named (ARGV from `first` on, as disconnect.lua has it), and since the time `others_since`
-- those of which nobody had told the instance. Messages from before the connection began are never owed: `others_since`
-- is by Redis's clock, which may have stepped back.
local function doubt_named(doubts, takes_part, member_rooms, head_of, first, others_since, began, heard_since)
  local named = {}
  for i = first, #ARGV, 4 do
    local room, epoch, place, last = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
    named[room] = true
    if takes_part[room] or redis.call('SISMEMBER', member_rooms, room) == 1 then
      local head = unless_spoilt('HMGET', head_of .. room, 'epoch', 'seq') or {}
      local same = head[1] == epoch
      local heard = same and place or 0
      local since = same and 0 or epoch == '' and place or 0
      if not same and since == 0 then since = began end
      if last > 0 and epoch == '' then
        as_far_as_possible(doubt, doubts, room, 0, since, math.min(heard_since, last))
      elseif head[1] and tonumber(head[2] or 0) > heard and (same or last == 0) then
        -- Of an epoch that is over, nothing is left.
        as_far_as_possible(doubt, doubts, room, heard, since, heard_since, last)
      end
    end
  end
  for room in pairs(takes_part) do
    if not named[room] then as_far_as_possible(doubt, doubts, room, 0, math.max(others_since, began), heard_since) end
  end
end
