-- SPDX-License-Identifier: Apache-2.0
-- Tells rooms which users have come back (disconnect.lua and announce_due.lua told them of the absence), one message a
-- room for all of them. Users who have gone again, or left the room, are not named: rooms hear the state of now.
-- KEYS 1 online_users  2 pending_offline
-- ARGV 1 prefix of room channels  2 prefix room_members  3… user, number of rooms, room…
-- Returns how many rooms were told
-- include chat/bus_letters.hpp
local online_users, pending_offline = KEYS[1], KEYS[2]
local room_channel_of, members_of = ARGV[1], ARGV[2]
local first = 3

local back, told = {}, 0
while first <= #ARGV do
  local user, rooms = ARGV[first], tonumber(ARGV[first + 1])
  -- A user whose absence is not announced yet still counts as online; a claim ends in .5 (announce_due.lua).
  local due = redis.call('ZSCORE', pending_offline, user)
  if redis.call('SISMEMBER', online_users, user) == 1 or due and tonumber(due) % 1 == 0 then
    for i = first + 2, first + 1 + rooms do
      local room = ARGV[i]
      if redis.call('SISMEMBER', members_of .. room, user) == 1 then
        back[room] = back[room] or {}
        table.insert(back[room], user)
      end
    end
  end
  first = first + 2 + rooms
end
for room, users in pairs(back) do
  redis.call('PUBLISH', room_channel_of .. room, bus.back .. table.concat(users, '\31') .. '\n')
  told = told + 1
end
return told
