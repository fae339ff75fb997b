-- SPDX-License-Identifier: Apache-2.0
-- Tells rooms who has come back (disconnect.lua and announce_due.lua told them of the absence), one message a room for all of them. Who has
-- gone again, or left the room, is not told of: what is announced is what Redis shows.
-- KEYS 1 online_users  2 pending_offline
-- ARGV 1 prefix of room channels  2 prefix room_members  3… user, number of rooms, room…
-- Returns how many rooms were told
local back, told = {}, 0
local i = 3
while i <= #ARGV do
  local user, rooms = ARGV[i], tonumber(ARGV[i + 1])
  -- Whose absence is not announced yet still counts as online; a claim ends in .5 (announce_due.lua).
  local due = redis.call('ZSCORE', KEYS[2], user)
  if redis.call('SISMEMBER', KEYS[1], user) == 1 or due and tonumber(due) % 1 == 0 then
    for r = i + 2, i + 1 + rooms do
      local room = ARGV[r]
      if redis.call('SISMEMBER', ARGV[2] .. room, user) == 1 then
        back[room] = back[room] or {}
        table.insert(back[room], user)
      end
    end
  end
  i = i + 2 + rooms
end
for room, users in pairs(back) do
  redis.call('PUBLISH', ARGV[1] .. room, 'b ' .. table.concat(users, '\31') .. '\n')
  told = told + 1
end
return told
